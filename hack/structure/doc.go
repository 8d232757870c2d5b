// SPDX-License-Identifier: Apache-2.0

// Structure prints how the module is cut into packages and files.
//
//	go run ./hack/structure [--against REV] [--list]     make structure [REV=d44daae]
//
// With --against it measures another git revision too, in a temporary work tree, and prints both
// side by side. Everything is computed from `go list`, go/parser and go/types, by the same rules on
// both sides. Only what is built on Linux counts, without tests and generated files, and without
// hack, which ships nothing.
//
//	level           of a package: the length of the longest chain of imports that starts with it,
//	                within the module; a package that imports none of the module is on level 1
//	upward import   a package imports the package of a folder above its own
//	mutual pair     two files of one package that refer to each other: each uses an object, method
//	                or field that the other declares at package level
//	knot            files of one package each of which refers to every other, directly or through
//	                others: none of them can be read, or moved to another package, by itself
//	import rule     a rule of depguard in .golangci.yml whose files are those of the package, and which
//	                either lists what may be imported or denies packages of the module
//
// Go permits no import cycle between packages. Within a package it does not look: that is why the
// pairs and knots of files are counted.
package main
