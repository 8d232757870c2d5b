// SPDX-License-Identifier: Apache-2.0

package state

import "fmt"

// Op changes one thing in the kernel. Its text is the ip command that would do the same.
// Operations that add have replace semantics; those that delete succeed when there is
// nothing left to delete. Each stands with its text and its effect in the file of what it changes. The
// set is closed, so lint finds a type switch that has neither all of them nor a default.
//
//sumtype:decl
type Op interface {
	fmt.Stringer
	// Namespaces are the network namespaces the operation writes to.
	Namespaces() []string
	// apply makes of m what the kernel holds after the operation.
	apply(m machine)
}
