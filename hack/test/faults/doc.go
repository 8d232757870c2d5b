// SPDX-License-Identifier: Apache-2.0

// Package faults breaks random labs on the real kernel and checks the diagnosis of every ping that fails.
//
//	seed ─▶ lab, healthy ─▶ 1 to 3 faults ─▶ pings ─┬─ answered: the diagnosis, asked all the same, blames nothing
//	                                                └─ not: it names a fault's node and object, and its fixes,
//	                                                   applied as printed, end with an answered ping
//
// Faults are made in two ways: an edit of the spec (specfaults) and a change by hand (rows, foreign). The
// changes by hand know nothing of package diagnose: they change any column of any row of a State, any
// attribute, any file below /proc/sys/net, and add objects of every kind that package kernel leaves alone (commands).
//
// A fix is applied twice where the faults are in the spec: its command in a shell, and, in a lab built again,
// its change of the spec (specfix).
package faults
