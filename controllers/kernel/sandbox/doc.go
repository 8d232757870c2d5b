// SPDX-License-Identifier: Apache-2.0

// Package sandbox runs the current program in namespaces of its own, as root and without
// touching the machine: tests of the kernel side, and the command line where there is no root.
//
//	outer ──clone──▶ init (pid 1) ──exec──▶ the program
//	  │ waits          │ private mounts, /proc,     Enter says inside
//	  │                │ /run, lo; reaps
//	  ◀── exit code ───┴─────────────────────────── exit code
//
// The same program runs three times up to [Enter]. The outer process starts it again in new
// mount, network and pid namespaces, and in a user namespace where the caller is not root. That
// second one becomes the init of the pid namespace: it prepares what is private, starts the third
// and reaps orphans, which a process that waits for its own children cannot do for all of them.
// The third is an ordinary process with ordinary signals, and the one that does the work.
//
// Whatever ends the outer process ends the other two: init gets SIGKILL when its parent dies, and
// the kernel kills everything in a pid namespace whose init ended. With the last process go the
// namespaces, mounts and interfaces, so nothing can be left behind.
//
// An environment variable tells the program where it is. It holds the identity of the pid
// namespace, so that a variable that outlived its sandbox, in a terminal multiplexer or through
// sudo -E, is not believed.
package sandbox
