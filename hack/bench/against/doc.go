// SPDX-License-Identifier: Apache-2.0

// Against measures two revisions side by side and prints one table: `make bench-against REV=…`.
//
//	for each side: git worktree in a temporary directory, build
//	for each round: old, new: planning by Go benchmarks
//	                old, new: a process of hack/bench/labs for each lab
//	for each agent round: old, new: make bench-agent
//
// The sides take turns, so that other load affects both. A figure is the median of its rounds. The labs
// are those of `make bench`, built by each side's own hack/bench/labs (hack/bench before it moved). The
// Go benchmarks are in testdata, one file for each API of planning, and are copied to that package: a
// side with controllers/state gets testdata/state, any other testdata/topology. Planning is measured in CPU time.
package main
