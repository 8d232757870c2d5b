// SPDX-License-Identifier: Apache-2.0

// Package converge makes a machine hold what a lab wants.
//
//	round:  Observe ─▶ Diff ─▶ Apply        at most three, then a last Observe and Diff
//
// A lab is realized if a fresh observation yields an empty plan, not if no call returned an error.
// So Converge always ends with an observation, and the Outcome is what the machine held then:
//
//	situation                   result
//	nothing differs             nothing is written
//	a conflict                  nothing is written, in this round or later
//	an operation fails          one more observation; the error names the operation
//	an observation fails        the state is unknown; the error is an ErrObserve
//	it differs after 3 rounds   Outcome.Left has what is left to do; no error
//
// ConvergeFrom goes on from an earlier Outcome: it looks at the namespaces in which something may have changed
// and takes the others from that Outcome. After an operation only the namespaces that it affects are looked at, in
// both. The first look of Converge is at the whole lab.
//
// Three rounds suffice for rows that another operation removed as well (see package state) and for
// a kernel that needs a moment. They are too few to fight a process that keeps changing the lab.
package converge
