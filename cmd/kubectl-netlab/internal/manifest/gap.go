// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/controllers/lab"
)

// gap is a field without a certain value: it could not be read, it is written twice, or an unknown field
// may stand for it. Problems that another value would solve are not reported.
type gap struct {
	field string
	// kept: the field has one of several values.
	kept bool
}

var (
	nodesField   = regexp.MustCompile(`^spec(\.(namespaces|routers|switches)(\[\d+\](\.name)?)?)?$`)
	subnetsField = regexp.MustCompile(`^spec(\.subnets(\[\d+\](\.name)?)?)?$`)
	// ownField matches fields that affect only their own item of a list.
	ownField = regexp.MustCompile(`^(metadata|status|spec\.(probes|driftPolicy|suspend|placement|routing)` +
		`|spec\.(namespaces|routers|switches)\[\d+\]\.(sysctls|routes\[\d+\]\.(via|link|onLink|src|nextHops|type|metric))` +
		`|spec\.links\[\d+\]\.(endpoints\[\d+\]\.)?(mac|mtu|impairment))\b`)
	// built matches fields without which a link, a segment or its addresses are not built.
	built    = regexp.MustCompile(`^spec\.(links\[\d+\]\.(subnet|endpoints)|switches\[\d+\]\.(subnet|vlans|addresses)|subnets\[\d+\]\.cidrs)\b`)
	listItem = regexp.MustCompile(`^spec\.\w+\[\d+\]`)
)

// hides reports whether the problem may be there only because of the gap.
func (g gap) hides(p lab.Problem) bool {
	switch {
	case within(p.Field, g.field) && !g.kept:
		return true
	case p.Absent == lab.NodeAbsent:
		return nodesField.MatchString(g.field)
	case p.Absent == lab.SubnetAbsent:
		return subnetsField.MatchString(g.field)
	case p.Absent == lab.AnyAbsent && ownField.MatchString(g.field):
		item := listItem.FindString(g.field)
		return item != "" && within(p.Field, item)
	}
	return p.Absent == lab.AnyAbsent
}

// withoutFollowUps leaves out what may follow from gaps, or from another problem.
func (d Document) withoutFollowUps(found lab.Problems) lab.Problems {
	gaps := slices.Clone(d.gaps)
	for _, p := range found {
		if p.Absent != lab.AnyAbsent && built.MatchString(p.Field) {
			gaps = append(gaps, gap{field: p.Field, kept: true})
		}
	}
	return slices.DeleteFunc(found, func(p lab.Problem) bool {
		return slices.ContainsFunc(gaps, func(g gap) bool { return g.hides(p) })
	})
}

// hidden reports whether a field could not be read.
func (d Document) hidden(field string) bool {
	return slices.ContainsFunc(d.gaps, func(g gap) bool { return !g.kept && within(field, g.field) })
}

// within reports whether a field is another one or inside it.
func within(field, outer string) bool {
	rest, ok := strings.CutPrefix(field, outer)
	return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}
