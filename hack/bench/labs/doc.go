// SPDX-License-Identifier: Apache-2.0

// Bench prints one table of how long labs take with NetLab and with other tools, from one run on one
// machine: `make bench`.
//
//	run ── for each repetition ── for each case ── for each contender: a process of its own
//	         inside a sandbox: build, compare, edit, repair, tear down; each timed
//
// The contenders take turns, so that other load affects all of them. A cell is the median of the
// repetitions and their spread. Ratios are those of the least values, because other load only adds to
// a time. Times on a loaded machine mean little by themselves. The table is about the ratios to
// the bare floor, the CPU time and the system calls; these are counted in a run of their own, under
// strace.
//
//	contender      what it is
//	bare floor     system calls alone: namespaces, links, addresses, routes, forwarding
//	one queue      the same, with one queue for each veth, as in NetLab (floor.Options.AnyQueues)
//	same writes    the same, with every other write of NetLab: owner labels, settings, symlinks
//	apply          NetLab's operations, applied to a machine whose state is known
//	NetLab         compile, observe, compare, apply, and observe once more
//	agent          the agent's Reconcile, which looks at what an edit or an event touches; its repair is one
//	               of an event, and once more while another namespace has 1,000 events a second
//	ip             one ip command after the other, as in a tutorial
//	ip -batch      the same commands, in one file per namespace
//	Mininet        the same topology by its Python API, without controllers
//
// Tear-down ends when the kernel has deleted everything, even if the contender itself waits for less.
package main
