// SPDX-License-Identifier: Apache-2.0

//go:build !fullkernel

package main

// fullKernel says that the stories run the samples that need what not every kernel has, VLANs or
// netem, and no others; `make test-vm` does that on a kernel that has it all. Without it they run
// the others, and only plan those.
const fullKernel = false
