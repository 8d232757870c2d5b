// SPDX-License-Identifier: Apache-2.0

package state

// Observation is what a machine holds of a lab, and the unmanaged objects in its namespaces.
type Observation struct {
	// State holds only what is the lab's.
	State State
	// Conflicts are names the lab needs that something else has. While there is one,
	// nothing of the lab is changed.
	Conflicts []Conflict
	// Unmanaged describes, sorted, objects in the lab's namespaces that NetLab did not create. It leaves them alone.
	Unmanaged []string
	// Carrier says for each link that is up whether it has a carrier.
	Carrier map[LinkID]bool
	// Settling are ports that have a carrier and forward nothing yet: their bridge has not seen it, or
	// its spanning tree has not decided.
	Settling []LinkID
	// Blocked are ports that a spanning tree keeps from forwarding, so that there is no loop.
	Blocked []LinkID
	// Index is each link's interface index, which changes when a link is deleted and added again.
	Index map[LinkID]int
}

// Conflict is a name that the lab needs and something else has. It is reported, never
// adopted, never deleted.
type Conflict struct {
	// Name is the file, symlink or interface.
	Name string
	// Found says what is there.
	Found string
}

func (c Conflict) String() string { return c.Name + " is taken: " + c.Found }

// Nothing reports whether none of the lab's network namespaces can be entered.
func (o Observation) Nothing() bool {
	for _, n := range o.State {
		if n.Mounted {
			return false
		}
	}
	return true
}
