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

var (
	dnsLabel     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	wholePercent = regexp.MustCompile(`^(100|[1-9]?[0-9])%$`)
)

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

func (n *network) checkSizes() {
	s := n.spec
	for _, list := range []struct {
		name     string
		has, max int
	}{
		{"namespaces", len(s.Namespaces), 256}, {"routers", len(s.Routers), 128}, {"switches", len(s.Switches), 64}, {"links", len(s.Links), 512},
		{"subnets", len(s.Subnets), 256}, {"probes", len(s.Probes), 256},
	} {
		if list.has > list.max {
			n.refuse("spec."+list.name, "split the lab", "a lab has at most %d %s, not %d", list.max, list.name, list.has)
		}
	}
	for i := range s.Namespaces {
		n.checkNodeSizes(fmt.Sprintf("spec.namespaces[%d]", i), &s.Namespaces[i].NodeConfig)
	}
	for i := range s.Routers {
		n.checkNodeSizes(fmt.Sprintf("spec.routers[%d]", i), &s.Routers[i].NodeConfig)
	}
	for i := range s.Switches {
		field := fmt.Sprintf("spec.switches[%d]", i)
		n.checkNodeSizes(field, &s.Switches[i].NodeConfig)
		n.checkSize(field+".vlans", "VLANs", len(s.Switches[i].VLANs), 64)
		n.checkSize(field+".addresses", "addresses", len(s.Switches[i].Addresses), 8)
	}
	for i, l := range s.Links {
		for j, e := range l.Endpoints {
			field := fmt.Sprintf("spec.links[%d].endpoints[%d]", i, j)
			n.checkSize(field+".vlans", "VLANs", len(e.VLANs), 64)
			n.checkSize(field+".subinterfaces", "subinterfaces", len(e.Subinterfaces), 16)
			if len(e.Addresses) > 8 {
				n.refuse(fmt.Sprintf("spec.links[%d].endpoints[%d].addresses", i, j), "", "an endpoint has at most 8 addresses, not %d", len(e.Addresses))
			}
		}
	}
}

func (n *network) checkSize(field, what string, has, most int) {
	if has > most {
		n.refuse(field, "", "there can be at most %d %s, not %d", most, what, has)
	}
}

func (n *network) checkNodeSizes(field string, c *v1alpha1.NodeConfig) {
	if len(c.Loopbacks) > 8 {
		n.refuse(field+".loopbacks", "", "a node has at most 8 loopbacks, not %d", len(c.Loopbacks))
	}
	if len(c.Routes) > 64 {
		n.refuse(field+".routes", "", "a node has at most 64 routes, not %d", len(c.Routes))
	}
	if len(c.Sysctls) > 32 {
		n.refuse(field+".sysctls", "", "a node has at most 32 sysctls, not %d", len(c.Sysctls))
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

func (n *network) checkEnums() {
	s := n.spec
	oneOf(n, "spec.routing", s.Routing, v1alpha1.RoutingAuto, v1alpha1.RoutingManual)
	oneOf(n, "spec.driftPolicy", s.DriftPolicy, v1alpha1.DriftCorrect, v1alpha1.DriftReport)
	for i, r := range s.Routers {
		oneOf(n, fmt.Sprintf("spec.routers[%d].forwarding", i), r.Forwarding, v1alpha1.Enabled, v1alpha1.Disabled)
		n.checkRouteTypes(fmt.Sprintf("spec.routers[%d]", i), r.Routes)
	}
	for i, ns := range s.Namespaces {
		n.checkRouteTypes(fmt.Sprintf("spec.namespaces[%d]", i), ns.Routes)
	}
	for i, sw := range s.Switches {
		field := fmt.Sprintf("spec.switches[%d]", i)
		oneOf(n, field+".stp", sw.STP, v1alpha1.Enabled, v1alpha1.Disabled)
		oneOf(n, field+".vlanFiltering", sw.VLANFiltering, v1alpha1.Enabled, v1alpha1.Disabled)
		oneOf(n, field+".forwarding", sw.Forwarding, v1alpha1.Enabled, v1alpha1.Disabled)
		n.checkRouteTypes(field, sw.Routes)
	}
	for i, l := range s.Links {
		oneOf(n, fmt.Sprintf("spec.links[%d].state", i), l.State, v1alpha1.LinkUp, v1alpha1.LinkDown)
	}
	for i, p := range s.Probes {
		oneOf(n, fmt.Sprintf("spec.probes[%d].expect", i), p.Expect, v1alpha1.ExpectReachable, v1alpha1.ExpectUnreachable)
		oneOf(n, fmt.Sprintf("spec.probes[%d].family", i), p.Family, v1alpha1.IPv4, v1alpha1.IPv6)
	}
	n.checkPlacement()
}

func (n *network) checkRouteTypes(field string, routes []v1alpha1.Route) {
	for i, r := range routes {
		oneOf(n, fmt.Sprintf("%s.routes[%d].type", field, i), r.Type,
			v1alpha1.RouteUnicast, v1alpha1.RouteBlackhole, v1alpha1.RouteUnreachable, v1alpha1.RouteProhibit)
	}
}

// warnUnused says what is there and does nothing.
func (n *network) warnUnused() {
	used := map[*subnet]bool{}
	for _, s := range n.segments() {
		used[s.subnet] = true
	}
	for _, s := range n.subnets {
		if !used[s] {
			n.warn(s.field, "name it as the subnet of a link or a switch, or remove it", "nothing carries %s", s.name)
		}
	}
	for _, x := range n.nodes {
		if len(x.ends) == 0 || x.sw != nil && len(x.ports) == 0 {
			n.warn(x.field, "plug a link into it, or remove it", "no link is plugged into %s", x.name)
		}
	}
}
