// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Without an API server nothing applies the resource's schema, so each noun's checks repeat what the
// schema refuses: names, sizes, enumerations and ranges.

// isLabel reports whether a name has the characters of a DNS label.
func isLabel(name string) bool {
	for i := range len(name) {
		c := name[i]
		inside := c == '-' && i > 0 && i < len(name)-1
		if !inside && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// maxNameLength is the kernel's limit for interface names (IFNAMSIZ less the terminating NUL).
const maxNameLength = 15

// maxLabNameLength is the limit of a DNS label. A lab's name is part of file names.
const maxLabNameLength = 63

var reservedNames = []string{state.Loopback, "all", "default"}

// checkName checks the name of an object that becomes part of an interface name or namespace.
func (n *network) checkName(field, key, name string) {
	switch {
	case !n.checkLength(field, key, name):
	case !isLabel(name):
		n.refuse(field+"."+key, "use lower-case letters, digits and '-', starting and ending with a letter or digit", "name %q is not valid", name)
	case slices.Contains(reservedNames, name):
		n.refuse(field+"."+key, "write another name", "name %q is reserved by the kernel", name)
	}
}

// checkLength refuses an interface name that the kernel does not take.
func (n *network) checkLength(field, key, name string) (ok bool) {
	if len(name) <= maxNameLength {
		return true
	}
	n.refuse(field+"."+key, fmt.Sprintf("write a name of at most %d characters", maxNameLength), "name %q has %d characters, more than an interface name can have", name, len(name))
	return false
}

// checkLabName checks the name of a NetLab.
func (n *network) checkLabName(name string) {
	if len(name) > maxLabNameLength || !isLabel(name) {
		n.refuse("metadata.name", "use at most 63 lower-case letters, digits and '-' (no dots), starting and ending with a letter or digit", "lab name %q is not valid", name)
	}
}

// checkSize refuses a list that is longer than the schema allows.
func (n *network) checkSize(field, list string, has, most int) {
	if has > most {
		n.refuse(field+"."+list, fmt.Sprintf("write at most %d", most), "%d %s exceed the limit of %d", has, list, most)
	}
}

// checkLabSize is checkSize for a list directly under spec.
func (n *network) checkLabSize(list string, has, most int) {
	if has > most {
		n.refuse("spec."+list, "split the lab", "%d %s exceed the limit of %d", has, list, most)
	}
}

// checkRange refuses a number outside the schema's bounds.
func (n *network) checkRange(field, what string, value, least, most int) {
	if value < least || value > most {
		n.refuse(field, fmt.Sprintf("write %d to %d", least, most), "%s %d is out of range", what, value)
	}
}

// refuseDuplicate refuses a list item that is listed before.
func (n *network) refuseDuplicate(field, what string) {
	n.refuse(field, "remove one of them", "%s is listed twice", what)
}

// refuseName refuses the name of two objects of one kind; other is the field of the first.
func (n *network) refuseName(field, name, other string) {
	n.refuse(field+".name", "rename one of them", "name %q is already used by %s", name, other)
}

// oneOf refuses a value that is neither empty nor listed.
func oneOf[T ~string](n *network, field, name string, value T, allowed ...T) {
	if value == "" || slices.Contains(allowed, value) {
		return
	}
	fix := "write " + string(allowed[0])
	for _, a := range allowed[1 : len(allowed)-1] {
		fix += ", " + string(a)
	}
	n.refuse(field+"."+name, fix+" or "+string(allowed[len(allowed)-1]), "%q is not a valid value", string(value))
}

// checkModes checks the modes of the whole lab.
func (n *network) checkModes() {
	oneOf(n, "spec", "routing", n.spec.Routing, v1alpha1.RoutingAuto, v1alpha1.RoutingManual)
	oneOf(n, "spec", "driftPolicy", n.spec.DriftPolicy, v1alpha1.DriftCorrect, v1alpha1.DriftReport)
	oneOf(n, "spec", "neighbors", n.spec.Neighbors, v1alpha1.NeighborsLearned, v1alpha1.NeighborsStatic)
}
