// SPDX-License-Identifier: Apache-2.0

// Package broken has labs that somebody broke, as people do who learn, and what they are told. Each is a
// story in testdata, told on the real kernel:
//
//	lab      a spec, or the name of a file with one
//	by-hand  commands; $h1 is the network namespace of node h1
//	told     the probes that fail, and the fixes. Each fix's command is pasted into a shell, then all is
//	         asked again, until nothing fails: a fix that does not work fails the story
//	fixed    where a fix can only be written into the spec: the spec that follows it
//	answer   where a fix says what to look at: what somebody does who has seen it
package broken
