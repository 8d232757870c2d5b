// SPDX-License-Identifier: Apache-2.0

// Package main checks the documents of the repository; its tests do.
package main

func main() {}
