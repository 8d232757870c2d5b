// SPDX-License-Identifier: Apache-2.0

// Package reason explains every reason of a condition: what it means, an example that shows it, and the fix. It is pure.
//
// The names, the meanings and the conditions are generated from the comments in package v1alpha1. examples/NAME.txtar has the
// rest of a reason:
//
//	(comment)    the fix
//	lab.yaml     a lab that has the reason once it is built
//	before       commands that are necessary before the lab is built
//	after        commands that are necessary after it is built
//	afterwards   commands that remove what before has made
//	needs        what not every kernel has
//	shown-by     a test's file that shows the reason, where no lab alone does
//
// A story of cmd/kubectl-netlab builds the labs and finds their reasons.
package reason
