// SPDX-License-Identifier: Apache-2.0

// Package local builds, asks and removes labs on this machine, without a cluster: everything
// kubectl netlab --local does, as functions that return values.
//
//	Up       compile ─▶ lock ─▶ look ─▶ record ─▶ converge ─▶ probe ─▶ diagnose
//	Down     lock ─▶ converge to nothing ─▶ forget the record ─▶ clean up
//	Plan     compile ─▶ look ─▶ diff
//	Status   record ─▶ compile ─▶ look ─▶ probe ─▶ diagnose
//	Lab      record ─▶ compile ─▶ package ask, which explains, pings and captures
//
// It uses the same Compile, Observe, Diff and Apply as the agent, so both build the same lab
// from the same file. There is no daemon: nothing is repaired or probed after a function
// returned.
//
// # What is true
//
// The marks in the kernel say which labs there are and whose. The record, written before the
// first kernel write and removed after the last, only says from which description a lab was
// built, so that every verb works by name. A lab without a record can still be removed; one
// with a mark of an agent is refused, whatever is asked (ErrAgent).
//
// # Probes and drift
//
// The agent probes only what is realized. Here somebody is looking, often at what they have
// just broken by hand: Status probes every lab that is there, and says beside the verdicts how
// it differs from its description.
package local
