// SPDX-License-Identifier: Apache-2.0

// Compare counts the lines of the same labs in NetLab and in other tools, and prints the table in
// hack/bench/README.md:
//
//	go run ./hack/bench/compare
//
// NetLab's files are those of config/samples, probes included; the others' are in labs, by tool and
// lab, and have no probes. Each is written as its tool's documentation shows for Linux nodes, with the
// prefixes of NetLab's file and one line for each thing where the format allows it, as
// NetLab's files are. A line counts unless it is blank or a comment.
//
// What is derived and what is not differs. ipspace netlab runs a routing daemon where NetLab
// writes routes; the others have both written out, with as few routes as do. In leaf-spine they
// have addresses on the links between routers, which NetLab does without. A switch
// without VLANs is a link with three ends in Kathará and ipspace netlab.
//
// Only Mininet's files are run here, by this package's tests, and of them not the one with VLANs,
// which not every kernel has. None of the others has been run.
package main
