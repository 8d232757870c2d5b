// SPDX-License-Identifier: Apache-2.0

//go:build fullkernel

package main

const fullKernel = true
