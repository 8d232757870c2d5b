// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Without an API server nothing applies the resource's schema, so each noun's checks repeat what the
// schema refuses: names, sizes, enumerations and ranges.

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// maxNameLength is what an interface name can have (IFNAMSIZ less the final zero).
const maxNameLength = 15

// maxLabNameLength is that of a DNS label.
const maxLabNameLength = 63

var reservedNames = []string{state.Loopback, "all", state.DefaultScope}

func (n *network) checkName(field, name string) {
	switch {
	case len(name) > maxNameLength:
		n.refuse(field, "shorten it", "%q has %d characters; an interface name has at most %d", name, len(name), maxNameLength)
	case !dnsLabel.MatchString(name):
		n.refuse(field, "use lower-case letters, digits and '-', with a letter or digit at both ends", "%q is not a name", name)
	case slices.Contains(reservedNames, name):
		n.refuse(field, "choose another name", "%q is reserved: the kernel uses it", name)
	}
}

func checkLabName(name string) Problems {
	if len(name) <= maxLabNameLength && dnsLabel.MatchString(name) {
		return nil
	}
	return Problems{{Field: "metadata.name", Message: fmt.Sprintf("%q is not the name of a lab", name),
		Fix: "use at most 63 lower-case letters, digits and '-' (no dots), with a letter or digit at both ends: it is part of file names"}}
}

// checkSize refuses a list that is longer than the schema allows.
func (n *network) checkSize(field, what string, has, most int) {
	if has > most {
		n.refuse(field, "", "there can be at most %d %s, not %d", most, what, has)
	}
}

// checkLabSize is checkSize for a list of the lab's own.
func (n *network) checkLabSize(list string, has, most int) {
	if has > most {
		n.refuse("spec."+list, "split the lab", "a lab has at most %d %s, not %d", most, list, has)
	}
}

// oneOf refuses a value that is neither empty nor listed.
func oneOf[T ~string](n *network, field string, value T, allowed ...T) {
	if value == "" || slices.Contains(allowed, value) {
		return
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	n.refuse(field, "write "+strings.Join(names, " or "), "%q is not one of the values", string(value))
}

// checkModes checks what the lab says about itself.
func (n *network) checkModes() {
	oneOf(n, "spec.routing", n.spec.Routing, v1alpha1.RoutingAuto, v1alpha1.RoutingManual)
	oneOf(n, "spec.driftPolicy", n.spec.DriftPolicy, v1alpha1.DriftCorrect, v1alpha1.DriftReport)
}
