// SPDX-License-Identifier: Apache-2.0

package state

import (
	"maps"
	"slices"
	"strings"
)

// Observation is what a machine holds of a lab, and the unmanaged objects in its namespaces.
type Observation struct {
	// State holds only what is the lab's.
	State State
	// Conflicts are names the lab needs that something else has. While there is one,
	// nothing of the lab is changed.
	Conflicts []Conflict
	// Unmanaged describes, sorted, objects in the lab's namespaces that NetLab did not create. It leaves them alone.
	// Each line begins with the namespace, or a path of that name, and a colon.
	Unmanaged []string
	// Carrier says for each link that is up whether it has a carrier.
	Carrier map[LinkID]bool
	// Settling are ports that have a carrier and forward nothing yet: their bridge has not seen it, or
	// its spanning tree has not decided.
	Settling []LinkID
	// Blocked are ports that a spanning tree keeps from forwarding, so that there is no loop.
	Blocked []LinkID
	// Designated says what each port with STP holds of its segment.
	Designated map[LinkID]DesignatedPort
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

// Update replaces what was observed in some namespaces by what was found there later. It writes to the tables of o.
func (o *Observation) Update(namespaces []string, found Observation) {
	for _, name := range namespaces {
		o.drop(name)
		n, there := found.State[name]
		if !there {
			continue
		}
		o.State[name] = n
		for link := range n.Links {
			id := LinkID{name, link}
			if index, known := found.Index[id]; known {
				o.Index[id] = index
			}
			if carrier, known := found.Carrier[id]; known {
				o.Carrier[id] = carrier
			}
			if port, known := found.Designated[id]; known {
				o.Designated[id] = port
			}
		}
	}
	namespaceOf := func(id LinkID) string { return id.Namespace }
	o.Settling = updated(o.Settling, found.Settling, namespaces, namespaceOf)
	o.Blocked = updated(o.Blocked, found.Blocked, namespaces, namespaceOf)
	o.Unmanaged = updated(o.Unmanaged, found.Unmanaged, namespaces, unmanagedIn)
	slices.Sort(o.Unmanaged)
	o.Conflicts = found.Conflicts
}

// drop removes what was observed in a namespace.
func (o *Observation) drop(name string) {
	for link := range o.State[name].Links {
		delete(o.Index, LinkID{name, link})
		delete(o.Carrier, LinkID{name, link})
		delete(o.Designated, LinkID{name, link})
	}
	delete(o.State, name)
}

// updated takes what is in the given namespaces from found, and anything else from before.
func updated[T any](before, found []T, namespaces []string, namespaceOf func(T) string) []T {
	within := func(t T) bool { return slices.Contains(namespaces, namespaceOf(t)) }
	kept := slices.DeleteFunc(slices.Clone(before), within)
	for _, t := range found {
		if within(t) {
			kept = append(kept, t)
		}
	}
	return kept
}

// unmanagedIn is the namespace that a line of Unmanaged is about.
func unmanagedIn(line string) string {
	where, _, _ := strings.Cut(line, ": ")
	return where[strings.LastIndexByte(where, '/')+1:]
}

// Clone returns a copy with tables of its own. Rows of namespaces are shared.
func (o Observation) Clone() Observation {
	o.State, o.Index, o.Carrier, o.Designated = maps.Clone(o.State), maps.Clone(o.Index), maps.Clone(o.Carrier), maps.Clone(o.Designated)
	return o
}
