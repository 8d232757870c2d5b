// SPDX-License-Identifier: Apache-2.0

// Vm runs a command on a full kernel. Tests need it where the machine's own kernel lacks what a lab can
// ask for: netem, VLANs, or the absence of IPv6.
//
//	go run ./hack/test/vm -file bin/vm/kernel.test -- bin/vm/kernel.test -test.v
//
// The kernel is Debian's kernel for virtual machines, unpacked from its package and not installed
// (kernel.sh). QEMU emulates the CPU, so this works in a container. The machine has no disk and no
// network: the kernel unpacks one archive, made for each run, with
//
//	/init       the program of ./init, which loads the modules and runs the command
//	/job.json   the command (package job)
//	/modules/   kernel modules
//	/usr/bin/   ip, tc, sh and other programs of this machine, with their libraries
//	/src/       the files of -file, at their place in the repository
//
// Three serial lines lead out: the kernel's messages, printed when the machine ends early; the
// command's output; and its exit code. Init ends by a reboot, which ends QEMU, and so does a panic.
//
// On a busy machine QEMU sometimes, in one start of several dozen, never runs the kernel. The kernel
// prints its version first. If 90 s pass without any output, vm starts the machine once more and
// reports that. Any later failure, of a test or by a panic, is final.
//
// With -steady the machine's clock counts instructions instead of time. Packets are then as far apart
// as on an idle machine, and sleeping takes no time.
package main
