// SPDX-License-Identifier: Apache-2.0

// Structure prints how the module is divided into packages and files.
//
//	go run ./hack/structure [--against REV] [--list]     make structure [REV=d44daae]
//
// With --against it measures another git revision too, in a temporary work tree, and prints both
// side by side. All figures come from `go list`, go/parser and go/types, by the same rules on
// both sides. They cover what is built on Linux, without tests, generated files and hack, which is not
// part of a release.
//
//	level           of a package: the length of the longest chain of imports that starts with it,
//	                within the module; a package that imports none of the module is on level 1
//	upward import   a package imports the package of a folder above its own
//	mutual pair     two files of one package that refer to each other: each uses an object, method
//	                or field that the other declares at package level
//	knot            files of one package each of which refers to every other, directly or through
//	                others: none of them can be read, or moved to another package, alone
//	import rule     a rule of depguard in .golangci.yml whose files are those of the package, and which
//	                either lists the allowed imports or denies packages of the module
//
// Go forbids import cycles between packages, but not between files of a package. That is why this
// program counts pairs and knots of files.
package main
