// SPDX-License-Identifier: Apache-2.0

// Bench prints one table of how long labs take, by NetLab and by others, from one run on one
// machine: `make bench`.
//
//	run ── for each repetition ── for each case ── for each contender: a process of its own
//	         inside a sandbox: build, compare, edit, repair, tear down; each timed
//
// The contenders take turns, so that what else the machine does meets all of them. A cell is the
// median of the repetitions and their spread; ratios are those of the least values, because whatever
// else runs only adds to them. Times of a loaded machine are worth little by themselves: what the
// table is about are the ratios to the bare floor, the CPU time and the system calls, which are
// counted in a run of their own, under strace.
//
//	contender      what it is
//	bare floor     system calls alone: namespaces, links, addresses, routes, forwarding
//	one queue      the same, with veths asked for as NetLab does (floor.Options.AnyQueues)
//	same writes    the same, with every other write of NetLab: marks, settings, symlinks
//	apply          NetLab's operations, applied to a machine that is known
//	NetLab         all of it: compile, observe, compare, apply, and observe once more
//	ip             one ip command after the other, as in a tutorial
//	ip -batch      the same commands, in one file per namespace
//	Mininet        the same topology by its Python API, without controllers
//
// Tear-down ends when the kernel has taken everything apart, whatever the contender itself waits for.
package main
