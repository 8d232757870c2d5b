// SPDX-License-Identifier: Apache-2.0

// Compare counts the lines of the same labs in NetLab and in other tools, and prints the table in
// hack/bench/README.md:
//
//	go run ./hack/bench/compare
//
// NetLab's files are those of config/samples and contain probes. The files of other tools are in labs,
// by tool and lab, and have none. Each is written as the tool's documentation shows for Linux nodes,
// with the prefixes of NetLab's file and, like NetLab's files, with one line for each object where the
// format allows it. A line counts unless it is blank or a comment.
//
// The tools derive different things. ipspace netlab runs a routing daemon where NetLab derives routes;
// in the files of the other tools routes are written out, with as few entries as possible. In
// leaf-spine they have addresses on the links between routers; NetLab needs none. In Kathará and ipspace
// netlab a switch without VLANs is a link with three ends.
//
// Only Mininet's files run here, in this package's tests, except the one with VLANs, which not every
// kernel has. The files of the other tools did not run.
package main
