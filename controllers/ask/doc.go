// SPDX-License-Identifier: Apache-2.0

// Package ask answers questions about a lab on this machine, whoever built it: which path packets
// take, which nodes reply to which, and which packets pass an interface. The command line uses it on
// its own machine, and on the nodes of a cluster through a program in the agent's pod. The agent
// uses its mapping of probes (Spec, Question, NeighbourTableFull).
//
//	Machine.Lab ─▶ Lab ─┬─ Explain, ExplainPath    walk hop by hop, name the cause
//	                    ├─ Ping                    one pair, any number of times
//	                    ├─ PingAll                 every pair, in waves
//	                    └─ Capture                 packets, as pcapng
//
// Answers are plain values that survive JSON, so that they print the same on any machine.
//
// The package changes nothing of a lab and takes none of its locks. Its only write: PingAll deletes
// the neighbour entries that it caused.
//
// # Waves
//
// All network namespaces of a machine share one neighbour table per family, of 1,024 entries by
// default. If it is full, the kernel drops packets to new neighbours everywhere on the machine. A
// ping causes up to two entries on every link of its path, in IPv6 four. So PingAll sends in waves:
// the pairs of a wave cause at most a quarter of the entries that are free when it begins, are
// pinged at the same time, have one deadline, and their entries are deleted before the next wave.
// While a table is full (95 % or more), nothing is sent: such a pair is Unknown, never Unreachable.
package ask
