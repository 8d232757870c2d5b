// SPDX-License-Identifier: Apache-2.0

// Package fake is a kernel for tests: one state.State for the whole machine, with the
// methods of kernel.Kernel and the kernel's own refusals, and no need for root.
//
// What an operation leaves behind is State.With plus what a real kernel keeps where With
// assumes the worst (survive.go); what it refuses, and with which errno, is in refuse.go;
// how it routes is in fib.go. All three were measured on a real kernel, and a parity test
// in package kernel drives the same operations through both and compares the dumps.
//
// A test plays the rest of the world with Mutate (somebody changes something behind our
// back), PlantConflict (somebody has our names), FailOn (the kernel refuses) and counts
// with Writes.
package fake
