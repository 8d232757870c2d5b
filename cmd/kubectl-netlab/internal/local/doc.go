// SPDX-License-Identifier: Apache-2.0

// Package local builds, probes and removes labs on this machine, without a cluster. It is everything
// that kubectl netlab --local does, as functions that return values.
//
//	Up       compile ─▶ lock ─▶ observe ─▶ record ─▶ converge ─▶ probe ─▶ diagnose
//	Down     lock ─▶ converge to nothing ─▶ forget the record ─▶ clean up
//	Plan     compile ─▶ observe ─▶ diff
//	Status   record ─▶ compile ─▶ observe ─▶ probe ─▶ diagnose
//	Lab      record ─▶ compile ─▶ package ask, which explains, pings and captures
//
// It uses the same Compile, Observe, Diff and Apply as the agent, so both build the same lab
// from the same file. There is no daemon: after a function returns, nothing repairs or probes
// the lab.
//
// # Owner labels and records
//
// The owner labels in the kernel decide which labs exist and who owns them. The record is written before
// the first kernel write and removed after the last. It holds the description that a lab was built from,
// so that every verb works by name. Down also removes a lab without a record. Every function refuses
// a lab with an agent's owner label (ErrAgent).
//
// # Conditions
//
// Package status decides conditions and messages, as for the agent, so up and status print the words of
// kubectl describe. Status changes nothing: differences are drift, and the probes of a lab with drift
// run, as they do for an agent under driftPolicy Report.
package local
