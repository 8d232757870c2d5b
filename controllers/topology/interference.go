// SPDX-License-Identifier: Apache-2.0

package topology

// Interference is something of others' in a lab's network namespace that decides about packets beside
// what the lab says: a policy rule, a neighbour entry made to stay, a packet filter. It is left alone.
type Interference struct {
	// What it is: "policy rule 100 from 10.1.0.0/24 prohibit".
	What string
	// Look is a command that shows it.
	Look string
	// Rule says that it is a policy rule, which can take a route out of use.
	Rule bool
}
