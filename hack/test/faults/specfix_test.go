// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// problems are those of a spec under the lab's names.
func (x *trial) problems(spec *v1alpha1.NetLabSpec) lab.Problems {
	return lab.Validate(&v1alpha1.NetLab{ObjectMeta: metav1.ObjectMeta{Namespace: x.id.Namespace, Name: x.id.Name}, Spec: *spec})
}

// inSpec edits the spec as a fix says, and makes the machine hold it.
func (x *trial) inSpec(cause diagnose.Cause) (outcome, string) {
	text, ok := strings.CutPrefix(cause.Fix, "in the spec, ")
	if !ok {
		return notApplied, "(no change of the spec)"
	}
	text, _, _ = strings.Cut(text, "; by hand: ")
	edited := x.spec.DeepCopy()
	if !x.edit(edited, cause, text) {
		return notApplied, "(not understood) " + text
	}
	if problems := x.problems(edited); len(problems) > 0 {
		return failed, fmt.Sprintf("%s: %v", text, problems)
	}
	before := x.spec
	if !x.build(edited) {
		x.build(before)
		return failed, text + ": not realized"
	}
	return applied, text
}

// edits are the forms of a change of the spec, with what each means.
var edits = []struct {
	form *regexp.Regexp
	do   func(x *trial, spec *v1alpha1.NetLabSpec, cause diagnose.Cause, m []string) bool
}{
	{regexp.MustCompile(`add to (\S+) routes: (\[.*?\])$`), (*trial).addRoutes},
	{regexp.MustCompile(`list (\S+) under routers without forwarding: Disabled`), (*trial).makeRouter},
	{regexp.MustCompile(`set forwarding: Enabled on switch (\S+)`), (*trial).makeRouter},
	{regexp.MustCompile(`remove (\S+) from the sysctls of (\S+)`), (*trial).removeSysctl},
	{regexp.MustCompile(`set (net\.\S+): (\d+) on (\S+)`), (*trial).setSysctl},
	{regexp.MustCompile(`or set (net\.\S+): (\d+)$`), (*trial).setSysctlThere},
	{regexp.MustCompile(`set state: Up on`), (*trial).setUp},
	{regexp.MustCompile(`set mtu: (\d+) on its link`), (*trial).setMTU},
	{regexp.MustCompile(`remove the (?:(\w+) )?route to (\S+)(?: with(?:out a)? metric ?(\d*))? from (\S+)`), (*trial).removeRoute},
	{regexp.MustCompile(`use one prefix at both ends(?: of that link)? \((\S+) has (\S+), (\S+) has (\S+)\)`), (*trial).useOnePrefix},
	{regexp.MustCompile(`set via: (\S+) in the route to (\S+)(?: with(?:out a)? metric ?(\d*))? of (\S+)`), (*trial).setVia},
	{regexp.MustCompile(`correct the routes of (\S+): (\S+) has (\S+) on that link`), (*trial).correctRoutes},
	{regexp.MustCompile(`give (\S+) the address (\S+) on that link(?: instead of (\S+))?,`), (*trial).giveAddress},
	{regexp.MustCompile(`use (\S+/\d+) on (\S+)`), (*trial).usePrefix},
}

func (x *trial) edit(spec *v1alpha1.NetLabSpec, cause diagnose.Cause, text string) bool {
	for _, e := range edits {
		if m := e.form.FindStringSubmatch(text); m != nil {
			return e.do(x, spec, cause, m)
		}
	}
	return false
}

// addRoutes adds routes; one to a destination that has a route takes its place.
func (x *trial) addRoutes(spec *v1alpha1.NetLabSpec, _ diagnose.Cause, m []string) bool {
	config := configs(spec)[m[1]]
	var routes []v1alpha1.Route
	if config == nil || yaml.UnmarshalStrict([]byte(m[2]), &routes) != nil {
		return false
	}
	for _, r := range routes {
		config.Routes = slices.DeleteFunc(config.Routes, func(o v1alpha1.Route) bool { return sameDestination(spec, o.To, r.To) && o.Metric == r.Metric })
	}
	config.Routes = append(config.Routes, routes...)
	return true
}

// sameDestination compares two destinations; a subnet's name stands for its prefixes.
func sameDestination(spec *v1alpha1.NetLabSpec, a, b string) bool {
	for _, s := range spec.Subnets {
		if s.Name == a && slices.Contains(s.CIDRs, b) {
			return true
		}
	}
	return a == b || isDefault(a) && isDefault(b)
}

// ofMetric reports whether a route is the one with the metric that a fix names, if it names one.
func ofMetric(r v1alpha1.Route, m []string) bool {
	return !strings.Contains(m[0], " metric") || m[3] == strconv.FormatInt(r.Metric, 10) || m[3] == "" && r.Metric == 0
}

func isDefault(to string) bool { return to == "default" || to == "0.0.0.0/0" || to == "::/0" }

func (x *trial) makeRouter(spec *v1alpha1.NetLabSpec, _ diagnose.Cause, m []string) bool {
	for i := range spec.Routers {
		if spec.Routers[i].Name == m[1] {
			spec.Routers[i].Forwarding = ""
			return true
		}
	}
	for i := range spec.Switches {
		if spec.Switches[i].Name == m[1] && strings.Contains(m[0], "Enabled") {
			spec.Switches[i].Forwarding = v1alpha1.Enabled
			return true
		}
	}
	for i := range spec.Namespaces {
		if n := spec.Namespaces[i]; n.Name == m[1] {
			spec.Namespaces = slices.Delete(spec.Namespaces, i, i+1)
			spec.Routers = append(spec.Routers, v1alpha1.Router{Name: n.Name, NodeConfig: n.NodeConfig})
			x.targets = true
			return true
		}
	}
	return false
}

func (x *trial) removeSysctl(spec *v1alpha1.NetLabSpec, _ diagnose.Cause, m []string) bool {
	config := configs(spec)[m[2]]
	if config == nil {
		return false
	}
	_, short, _ := cutLast(m[1], ".")
	before := len(config.Sysctls)
	config.Sysctls = slices.DeleteFunc(config.Sysctls, func(s v1alpha1.Sysctl) bool { return s.Name == m[1] || strings.HasSuffix(s.Name, "."+short) })
	return len(config.Sysctls) < before
}

func (x *trial) setSysctl(spec *v1alpha1.NetLabSpec, _ diagnose.Cause, m []string) bool {
	config := configs(spec)[m[3]]
	value, err := strconv.Atoi(m[2])
	if config == nil || err != nil {
		return false
	}
	config.Sysctls = slices.DeleteFunc(config.Sysctls, func(s v1alpha1.Sysctl) bool { return s.Name == m[1] })
	config.Sysctls = append(config.Sysctls, v1alpha1.Sysctl{Name: m[1], Value: intstr.FromInt(value)})
	return true
}

func (x *trial) setSysctlThere(spec *v1alpha1.NetLabSpec, cause diagnose.Cause, m []string) bool {
	return x.setSysctl(spec, cause, []string{m[0], m[1], m[2], cause.Node})
}

var interfaceOfNode = regexp.MustCompile(`interface (\S+) of (\S+)`)

// named is the link and the end that a cause names.
func (x *trial) named(spec *v1alpha1.NetLabSpec, cause diagnose.Cause) (*v1alpha1.Link, *v1alpha1.Endpoint) {
	m := interfaceOfNode.FindStringSubmatch(cause.Message)
	if m == nil {
		return nil, nil
	}
	return x.end(spec, strings.TrimRight(m[2], ",:;"), m[1])
}

// end is the end of a link at a node, by the name of the interface.
func (x *trial) end(spec *v1alpha1.NetLabSpec, node, name string) (*v1alpha1.Link, *v1alpha1.Endpoint) {
	for i := range spec.Links {
		l := &spec.Links[i]
		for j := range l.Endpoints {
			if e := &l.Endpoints[j]; e.Name == node && x.interfaceOf(l, e).Name == name {
				return l, e
			}
		}
	}
	return nil, nil
}

func (x *trial) setUp(spec *v1alpha1.NetLabSpec, cause diagnose.Cause, _ []string) bool {
	l, _ := x.named(spec, cause)
	if l == nil {
		return false
	}
	l.State = ""
	return true
}

func (x *trial) setMTU(spec *v1alpha1.NetLabSpec, cause diagnose.Cause, m []string) bool {
	l, _ := x.named(spec, cause)
	mtu, err := strconv.Atoi(m[1])
	if l == nil || err != nil {
		return false
	}
	l.MTU = v1alpha1.MTU(mtu)
	for i := range l.Endpoints {
		if own := l.Endpoints[i].MTU; own != 0 && int(own) < mtu {
			l.Endpoints[i].MTU = 0
		}
	}
	return true
}

func (x *trial) removeRoute(spec *v1alpha1.NetLabSpec, _ diagnose.Cause, m []string) bool {
	config := configs(spec)[m[4]]
	if config == nil {
		return false
	}
	before := len(config.Routes)
	config.Routes = slices.DeleteFunc(config.Routes, func(r v1alpha1.Route) bool {
		return sameDestination(spec, r.To, m[2]) && ofMetric(r, m) && (m[1] == "" || strings.EqualFold(string(r.Type), m[1]))
	})
	return len(config.Routes) < before
}

// useOnePrefix gives the address with the longer prefix that of the other, if that covers it.
func (x *trial) useOnePrefix(spec *v1alpha1.NetLabSpec, cause diagnose.Cause, m []string) bool {
	first, err := netip.ParsePrefix(m[2])
	second, err2 := netip.ParsePrefix(m[4])
	node := m[1]
	if err != nil || err2 != nil || first.Bits() == second.Bits() {
		return false
	}
	if first.Bits() < second.Bits() {
		node, first, second = m[3], second, first
	}
	return second.Contains(first.Addr()) && x.usePrefix(spec, cause, []string{"", netip.PrefixFrom(first.Addr(), second.Bits()).String(), node})
}

func (x *trial) setVia(spec *v1alpha1.NetLabSpec, _ diagnose.Cause, m []string) bool {
	config := configs(spec)[m[4]]
	if config == nil {
		return false
	}
	for i := range config.Routes {
		if r := &config.Routes[i]; sameDestination(spec, r.To, m[2]) && ofMetric(*r, m) {
			r.Via, r.Link, r.Type, r.OnLink = m[1], "", "", false
			return true
		}
	}
	return false
}

// correctRoutes reads from the command which of the routes is meant.
func (x *trial) correctRoutes(spec *v1alpha1.NetLabSpec, cause diagnose.Cause, m []string) bool {
	config := configs(spec)[m[1]]
	fields := strings.Fields(commandIn(cause.Fix))
	i := slices.Index(fields, "replace")
	if config == nil || i < 0 {
		return false
	}
	for j := range config.Routes {
		if r := &config.Routes[j]; sameDestination(spec, r.To, fields[i+1]) {
			r.Via, r.Link = m[3], ""
			return true
		}
	}
	return false
}

// giveAddress gives the end of the first link between two nodes an address. It replaces a derived one.
func (x *trial) giveAddress(spec *v1alpha1.NetLabSpec, cause diagnose.Cause, m []string) bool {
	address, err := netip.ParseAddr(strings.TrimRight(m[2], ","))
	if err != nil {
		return false
	}
	for i := range spec.Links {
		l := &spec.Links[i]
		for j := range l.Endpoints {
			e := &l.Endpoints[j]
			if e.Name != m[1] || l.Endpoints[1-j].Name != cause.Node {
				continue
			}
			other := x.interfaceOf(l, &l.Endpoints[1-j])
			for a := range x.lab.Want[other.Namespace].Addresses {
				if a.Link == other.Name && a.Prefix.Contains(address) {
					x.writeAddresses(e, x.interfaceOf(l, e), x.lab.Want)
					e.Addresses = slices.DeleteFunc(e.Addresses, func(a string) bool { return m[3] != "" && strings.HasPrefix(a, m[3]+"/") })
					e.Addresses = append(e.Addresses, netip.PrefixFrom(address, a.Prefix.Bits()).String())
					return true
				}
			}
		}
	}
	return false
}

func (x *trial) usePrefix(spec *v1alpha1.NetLabSpec, _ diagnose.Cause, m []string) bool {
	prefix, err := netip.ParsePrefix(m[1])
	if err != nil {
		return false
	}
	for i := range spec.Links {
		l := &spec.Links[i]
		for j := range l.Endpoints {
			e := &l.Endpoints[j]
			if e.Name != m[2] {
				continue
			}
			x.writeAddresses(e, x.interfaceOf(l, e), x.lab.Want)
			for k, a := range e.Addresses {
				if netip.MustParsePrefix(a).Addr() == prefix.Addr() {
					e.Addresses[k] = prefix.String()
					return true
				}
			}
		}
	}
	return false
}
