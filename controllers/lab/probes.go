// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// The defaults of a probe.
const (
	defaultPeriod           = 10 * time.Second
	defaultTimeout          = time.Second
	defaultFailureThreshold = 3
)

// Probe is a probe of one family, with every default filled in.
type Probe struct {
	Name   string
	Family v1alpha1.Family
	// From and Target are node names. Target is empty for an address that no node has.
	From, Target string
	// To is the target address. A link-local one has the sender's interface as zone.
	To               netip.Addr
	Expect           v1alpha1.Expectation
	Period, Timeout  time.Duration
	FailureThreshold int
	// SizeBytes is the ICMP payload of a probe with don't-fragment; 0 where the spec has none.
	SizeBytes int
}

// addProbes adds the probes of the spec, one per family.
func (n *network) addProbes() {
	n.checkLabSize("probes", len(n.spec.Probes), 256)
	seen := map[string]string{}
	for i := range n.spec.Probes {
		p := &n.spec.Probes[i]
		field := fieldAt("spec", "probes", i)
		n.checkProbeName(field+".name", p.Name)
		n.checkProbe(field, p)
		if other, ok := seen[p.Name]; ok {
			n.refuseName(field, p.Name, other)
			continue
		}
		seen[p.Name] = field
		n.probes = append(n.probes, n.probe(field, p)...)
	}
}

func (n *network) checkProbeName(field, name string) {
	if len(name) > maxLabNameLength || !isLabel(name) {
		n.refuse(field, "use at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit", "name %q is not valid", name)
	}
}

// checkProbe repeats the schema's checks of a probe.
func (n *network) checkProbe(field string, p *v1alpha1.Probe) {
	oneOf(n, field, "expect", p.Expect, v1alpha1.ExpectReachable, v1alpha1.ExpectUnreachable)
	oneOf(n, field, "family", p.Family, v1alpha1.IPv4, v1alpha1.IPv6)
	for _, r := range []struct {
		name               string
		value, least, most int
	}{
		{"periodSeconds", int(p.PeriodSeconds), 1, 3600}, {"timeoutSeconds", int(p.TimeoutSeconds), 1, 60},
		{"failureThreshold", int(p.FailureThreshold), 1, 20}, {"sizeBytes", int(p.SizeBytes), 24, 65000},
	} {
		if r.value != 0 {
			n.checkRange(field+"."+r.name, r.name, r.value, r.least, r.most)
		}
	}
}

func (n *network) probe(field string, p *v1alpha1.Probe) []Probe {
	from := n.nodeCalled(field, "from", p.From)
	if from == nil {
		return nil
	}
	targets, node := n.targets(field, p, from)
	var probes []Probe
	for _, to := range targets {
		f := familyOf(to)
		if !from.has(f) && to.Zone() == "" || (p.Family != "" && string(p.Family) != f.String()) {
			continue
		}
		n.warnLocal(field, from, to)
		probes = append(probes, withDefaults(p, node, to))
		n.warnImpaired(field, from, probes[len(probes)-1])
	}
	if len(targets) > 0 && len(probes) == 0 {
		n.refuseFamily(field, p)
	}
	return probes
}

// warnLocal warns of a probe whose sender would answer itself.
func (n *network) warnLocal(field string, from *node, to netip.Addr) {
	ownLink := func(e *end) bool { return e.iface == to.Zone() && e.linkLocal.Addr() == to.WithZone("") }
	if from.deliversLocally(to) || slices.ContainsFunc(from.ends, ownLink) {
		n.warn(field, "probe an address that only another node has", "%s itself has %s: the probe does not leave %s and fails", from.name, to, from.name)
	}
}

// refuseFamily refuses a probe of two nodes without addresses of one family, or of the probe's family.
func (n *network) refuseFamily(field string, p *v1alpha1.Probe) {
	to := cmp.Or(p.To, p.ToAddress)
	if p.Family == "" {
		n.refuseAbsent(AnyAbsent, field, "give both addresses of one family", "%s and %s have no address family in common", p.From, to)
		return
	}
	n.refuseAbsent(AnyAbsent, field, fmt.Sprintf("give both an %s address", p.Family), "%s and %s do not both have an %s address", p.From, to, p.Family)
}

// targets are the addresses of a probe and the node that has them.
func (n *network) targets(field string, p *v1alpha1.Probe, from *node) (targets []netip.Addr, node string) {
	if a, err := netip.ParseAddr(p.ToAddress); p.Link != "" && (err != nil || !state.IsLinkLocal(a)) {
		n.refuse(field+".link", "remove it", "link is only for a link-local toAddress")
	}
	switch {
	case p.To == "" && p.ToAddress == "":
		n.refuseAbsent(AnyAbsent, field, "write to: with a node's name, or toAddress: with an address", "the probe has neither to nor toAddress")
		return nil, ""
	case p.To != "" && p.ToAddress != "":
		n.refuse(field, "remove one of them", "the probe has both to and toAddress")
		return nil, ""
	case p.To == "":
		return n.targetAddress(field, p, from)
	}
	to := n.nodeCalled(field, "to", p.To)
	if to == nil {
		return nil, ""
	}
	targets = to.probeTargets(from)
	if len(targets) == 0 {
		n.refuseAbsent(AnyAbsent, field+".to", "give it an address, or probe another node", "%s has no address", p.To)
	}
	return targets, to.name
}

// probeTargets are the addresses for probes of the node from another one, one per family: the first that the
// other one does not have as well, if there is one.
func (x *node) probeTargets(from *node) (targets []netip.Addr) {
	for _, f := range families {
		all := slices.Collect(x.addresses(f))
		if len(all) == 0 {
			continue
		}
		leaves := slices.IndexFunc(all, func(a netip.Addr) bool { return !from.deliversLocally(a) })
		targets = append(targets, all[max(0, leaves)])
	}
	return targets
}

// targetAddress is a written target and the node that answers for it, preferably not the sender. An address
// outside the prefixes of the lab is one only if no reply is expected.
func (n *network) targetAddress(field string, p *v1alpha1.Probe, from *node) ([]netip.Addr, string) {
	field += ".toAddress"
	a, err := netip.ParseAddr(p.ToAddress)
	switch {
	case err != nil || a.Zone() != "" || a.Is4In6():
		n.refuse(field, "write an address without a prefix length", "%q is not an IP address", p.ToAddress)
		return nil, ""
	case specialKind(a) != "":
		n.refuse(field, "write a unicast address", "%s is %s address, which no node answers for", a, specialKind(a))
		return nil, ""
	case state.IsLinkLocal(a):
		return n.linkLocalTarget(field, p, from, a)
	}
	if x := n.answers(a, from); x != nil {
		return []netip.Addr{a}, x.name
	}
	if p, ok := n.reservedIn(a); ok {
		n.warn(field, "write a node's address", "%s is the network or broadcast address of %s: no node answers", a, p.Masked())
		return []netip.Addr{a}, ""
	}
	if p.Expect != v1alpha1.ExpectUnreachable && !n.covers(a) {
		n.refuseAbsent(AnyAbsent, field, "write an address of the lab, or expect: Unreachable", "%s is in no prefix of the lab", a)
		return nil, ""
	}
	return []netip.Addr{a}, ""
}

// linkLocalTarget is a link-local target with its interface at the sender as zone, and the node that has it on
// the interface's segment.
func (n *network) linkLocalTarget(field string, p *v1alpha1.Probe, from *node, a netip.Addr) (targets []netip.Addr, node string) {
	if p.Link == "" {
		n.refuseAbsent(AnyAbsent, field, choice(from.name+"'s links as link", from.linkNames(), "add a link to "+from.name), "%s is link-local: it is the address of one node on each link", a)
		return nil, ""
	}
	e := n.endCalled(strings.TrimSuffix(field, "toAddress")+"link", from, p.Link)
	switch {
	case e == nil:
		return nil, ""
	case !e.linkLocal.IsValid():
		n.refuseAbsent(AnyAbsent, field, "write an IPv6 address at the link", "%s has no IPv6 on link %s", from.name, e.label())
		return nil, ""
	}
	for o := range e.neighbours() {
		if o.linkLocal.Addr() == a || o.hasAddress(a) {
			node = o.node.name
			break
		}
	}
	return []netip.Addr{a.WithZone(e.iface)}, node
}

// answers is the node that answers for an address: the first that has it, else the first with an IPv4 prefix
// on lo that contains it. The sender comes last.
func (n *network) answers(a netip.Addr, from *node) *node {
	nodes := slices.Concat(slices.DeleteFunc(slices.Clone(n.nodes), func(x *node) bool { return x == from }), []*node{from})
	for _, has := range []func(*node) bool{
		func(x *node) bool { return x.hasAddress(a) }, func(x *node) bool { return x.deliversLocally(a) },
	} {
		if i := slices.IndexFunc(nodes, has); i >= 0 {
			return nodes[i]
		}
	}
	return nil
}

// reservedIn is the prefix of an interface whose network or broadcast address the address is.
func (n *network) reservedIn(a netip.Addr) (netip.Prefix, bool) {
	for _, e := range n.ends {
		for _, p := range e.addresses {
			if network, broadcast := reserved(p); a == network || a == broadcast {
				return p, true
			}
		}
	}
	return netip.Prefix{}, false
}

// covers reports whether the address is in a prefix of the lab: of a subnet, an interface, a loopback, or a
// written route that is no default route.
func (n *network) covers(a netip.Addr) bool {
	covers := func(p netip.Prefix) bool { return p.Bits() > 0 && p.Contains(a) }
	return slices.ContainsFunc(n.subnets, func(s *subnet) bool { return slices.ContainsFunc(s.cidrs, covers) }) ||
		slices.ContainsFunc(n.ends, func(e *end) bool { return e.isConnected(a) && !state.IsLinkLocal(a) }) ||
		slices.ContainsFunc(n.nodes, func(x *node) bool {
			toRoute := func(r v1alpha1.Route) bool { return slices.ContainsFunc(n.prefixesOf(r.To), covers) }
			return slices.ContainsFunc(x.loopbacks, covers) || slices.ContainsFunc(x.config.Routes, toRoute)
		})
}

// withDefaults is a probe of one family with the defaults filled in.
func withDefaults(p *v1alpha1.Probe, node string, to netip.Addr) Probe {
	probe := Probe{
		Name: p.Name, Family: v1alpha1.Family(familyOf(to).String()), From: p.From, Target: node, To: to,
		Expect: v1alpha1.ExpectReachable, Period: defaultPeriod, Timeout: defaultTimeout,
		FailureThreshold: defaultFailureThreshold, SizeBytes: int(p.SizeBytes),
	}
	if p.Expect != "" {
		probe.Expect = p.Expect
	}
	if p.PeriodSeconds > 0 {
		probe.Period = time.Duration(p.PeriodSeconds) * time.Second
	}
	if p.TimeoutSeconds > 0 {
		probe.Timeout = time.Duration(p.TimeoutSeconds) * time.Second
	}
	if p.FailureThreshold > 0 {
		probe.FailureThreshold = int(p.FailureThreshold)
	}
	return probe
}
