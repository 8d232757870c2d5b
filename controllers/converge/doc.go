// SPDX-License-Identifier: Apache-2.0

// Package converge makes a machine hold what a lab wants.
//
//	round:  Observe ─▶ Diff ─▶ Apply        at most three, then one last Observe and Diff
//
// A lab is there when a fresh observation yields an empty plan, not when no call returned an
// error. So every way out of Converge passes through an observation, and the Outcome tells
// what the machine held at that moment:
//
//	what is met                 what is done
//	nothing differs             nothing is written
//	a conflict                  nothing is written, neither in this round nor later
//	an operation fails          one more observation; the error names the operation
//	an observation fails        nothing is concluded from it; the error is an ErrObserve
//	it differs after 3 rounds   what is left is in Outcome.Left; no error
//
// Three rounds are enough for rows that another one took along (see package state), for a
// kernel that needs a moment, and too few to fight for long with somebody who wants otherwise.
package converge
