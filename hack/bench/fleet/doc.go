// SPDX-License-Identifier: Apache-2.0

// Fleet shows what NetLab asks of a cluster with many nodes: how many writes, how large the
// objects get, what the controller takes, and how long labs take to be Ready.
//
// What is real: API server and etcd, the netlab-controller program, its rights and the agents'
// (admission policy included), and the agents' own code with its own limits, once for every
// node. What is not: there is no Node behind a Node and no kernel behind an agent (kernel.go),
// the pods only claim to be Ready, and the agents live in one process, where they share one
// connection, one cache (switchboard.go) and one copy of what each lab wants (kernel.go). So every
// write is one that a real fleet would make, and reads are not: a real API server also sends each
// NetLab event to every agent.
//
// API server, etcd and controller run with the settings they would have anywhere, so that their
// peak memory is what a real one would need. The agents' process is the simulation's own: it
// collects its garbage late as long as it takes less than 4 GiB, and what it takes says nothing of
// a real agent. A run ends by itself, and says who had the memory, before less than 1 GiB of the
// machine's is left (memory.go); with --profiles DIR each phase leaves heap profiles.
//
// A run has five phases (phases.go): nodes register, labs are applied, each is edited once,
// nothing happens, all are deleted. Counts are promises, and a broken one is an error; times are
// only printed, for they depend on the machine. The more time a phase takes, the more reports there
// are: an agent that is still working through its labs reports every five seconds.
package main
