// SPDX-License-Identifier: Apache-2.0

// Package floor makes a plan's writes with system calls and nothing else: no checks, no retries, no
// look at what is there. It is what package kernel is measured against, since nothing that makes
// the same writes from one thread can be much faster; no program of NetLab uses it.
//
// A bare floor leaves out what NetLab writes beside the network itself: marks, the settings of a
// new namespace and the symlinks for ip netns.
package floor
