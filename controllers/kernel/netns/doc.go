// SPDX-License-Identifier: Apache-2.0

// Package netns enters network namespaces and mounts them. It knows threads, nsfs files and mounts,
// and no lab.
//
// A network namespace belongs to a thread. Home.Do is the one way into another one: a new goroutine
// on a locked thread that is unlocked only after it has returned to the namespace it came from, and
// otherwise ends with its goroutine.
//
//	Home        the process's own network namespace; Do runs a function on a thread that may leave it
//	Thread      Enter and Unshare move it; it returns home by itself
//	Open        a network namespace mounted on a file; ErrNotMounted for a plain file
//	ShareDir    a directory whose mounts reach other mount namespaces
//	MountTable  which namespaces are mounted and unmounted below a directory
package netns
