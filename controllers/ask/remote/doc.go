// SPDX-License-Identifier: Apache-2.0

// Package remote makes package ask available on another machine: Lab is the client and Server the
// server. Between them are only a program's arguments, standard streams and exit code. In a cluster
// the program is netlab-agent, run in an agent's pod through pods/exec.
//
//	arguments        VERB [--flags] ARGUMENT…
//	standard input   the NetLab as JSON; end of file cancels the question
//	standard output  Replies, one JSON object per line; for a capture, pcapng
//	standard error   for a capture, the Replies
//	exit code        0 answered, 1 failed: the last Reply has the error; 2 usage error
//
// The client sends the lab's spec, because the agent's record on the node only holds its progress.
// A program started through pods/exec does not end with its client, hence the meaning of the end of
// standard input.
package remote
