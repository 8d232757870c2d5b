// SPDX-License-Identifier: Apache-2.0

// Package broken has labs that were broken by hand or by their spec, and what status prints about them.
// Each is a scenario in testdata that runs on the real kernel:
//
//	lab      a spec, or the name of a file with one
//	needs    "netem": the scenario is skipped on a kernel without it
//	by-hand  commands; $h1 is the network namespace of node h1
//	output   the failing probes with their fixes. The command of every fix is pasted into a shell, then all
//	         probes run again, until none fails: a fix that does not work fails the scenario
//	fixed    the spec that follows a fix without a command
//	answer   the commands that follow a fix that only says what to look at
package broken
