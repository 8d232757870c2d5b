// SPDX-License-Identifier: Apache-2.0

// Vm runs a command on a full kernel, where the machine's own lacks what a lab can ask for:
// network emulation, VLANs, or the absence of IPv6.
//
//	go run ./hack/test/vm -file bin/vm/kernel.test -- bin/vm/kernel.test -test.v
//
// The kernel is the one that Debian has for virtual machines, from its package and not installed
// (kernel.sh). QEMU runs it without hardware support, so this works in a container. There is no
// disk and no network: the kernel unpacks one archive, made here for every run, that holds
//
//	/init       the program of ./init, which loads the modules and runs the command
//	/job.json   what to run (package job)
//	/modules/   kernel modules
//	/usr/bin/   ip, tc, sh and other programs of this machine, with their libraries
//	/src/       what -file names, at its place in the repository
//
// Three serial lines lead out: the kernel's messages, shown when the machine ends early, what the
// command prints, and its exit code. Init ends by a restart, which ends the emulator, and so does
// a panic.
//
// On a busy machine one emulator in some dozens never gets its kernel to run. A kernel says its
// version first; where nothing at all was said for 90 s, the machine is started once more, and says so.
// Whatever comes later, a test's failure or a kernel's panic, is final.
//
// With -steady the machine's clock counts instructions instead of time. Two packets are as far
// apart inside as if nothing else ran outside, and sleeping takes no time.
package main
