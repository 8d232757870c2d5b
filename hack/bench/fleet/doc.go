// SPDX-License-Identifier: Apache-2.0

// Fleet measures the load of NetLab on a cluster with many nodes: the number of writes, the sizes of
// objects, the controller's resources, and the time until labs are Ready.
//
// Real are the API server and etcd, the program netlab-controller, its rights and the agents' rights
// (admission policy included), and, once for every node, the agents' own code with its limits. Simulated
// are the machines behind the Nodes and the kernels behind the agents (kernel.go). The pods only claim
// to be Ready. All agents run in one process and share one connection, one cache (switchboard.go) and
// one copy of each lab's wanted State (kernel.go). So every write is one that a real fleet makes, and
// reads are not: a real API server also sends each NetLab event to every agent.
//
// API server, etcd and controller run with their normal settings, so their peak memory is that of a real
// cluster. The process of the agents is part of the simulation: it collects garbage late as long as it
// has less than 4 GiB, and its memory is not that of real agents. A run ends itself, with a list of the
// memory of each process, before the machine has less than 1 GiB left (memory.go). With --profiles DIR
// each phase leaves heap profiles.
//
// A run has five phases (phases.go): nodes register, labs are applied, each is edited once, nothing
// happens, all are deleted. Counts are promises, and a broken one is an error. Times are only printed,
// because they depend on the machine. A longer phase has more reports: an agent that is still working
// through its labs reports every five seconds.
package main
