// SPDX-License-Identifier: Apache-2.0

// Package remote asks package ask on another machine: Lab is the asking side and Serve the
// answering one, with nothing but a program's arguments, standard files and exit code in between.
// In a cluster the program is netlab-agent, run in an agent's pod through pods/exec.
//
//	arguments        VERB [--flags] ARGUMENT…
//	standard input   the NetLab as JSON; its end says that nobody waits for the answer any more
//	standard output  Replies, one JSON object after the other; of a capture, pcapng
//	standard error   of a capture, the Replies
//	exit code        0 answered, 1 not: the last Reply says why; 2 the question is not understood
//
// The description of the lab comes with the question rather than from the node: what the agent
// keeps there only says how far it came. A program that is started through pods/exec is not
// ended with its caller, hence the meaning of the end of standard input.
package remote
