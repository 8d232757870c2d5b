// SPDX-License-Identifier: Apache-2.0

// Package ask answers questions about a lab of this machine, whoever built it: where packets go,
// who answers whom, what passes an interface. The command line asks with it on its own machine,
// and on the nodes of a cluster through a program in the agent's pod.
//
//	Machine.Lab ─▶ Lab ─┬─ Explain, ExplainPath    walk hop by hop, name the cause
//	                    ├─ Ping                    one pair, as often as wanted
//	                    ├─ PingAll                 every pair, in waves
//	                    └─ Capture                 packets, as pcapng
//
// Answers are plain values that survive JSON, so that it does not matter to whoever prints them
// where the question was answered.
//
// Nothing of a lab is changed, and no lock is taken that an agent or another command line needs.
// The one thing that is written: PingAll deletes the neighbour entries it caused.
//
// # Waves
//
// All network namespaces of a machine share one neighbour table per family, of 1,024 entries by
// default. When it is full, packets to new neighbours are dropped everywhere on the machine. A
// ping causes up to two entries on every link of its way, in IPv6 four. So PingAll asks in waves: the pairs of
// a wave cause at most a quarter of the entries that are free when it begins, are asked at the same
// time, have one deadline, and are forgotten by the neighbour tables before the next wave. With
// a table that is full (95 % or more) nothing is asked: what cannot be asked is Unknown, never
// Unreachable.
package ask
