// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	_ "embed"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
)

// editedLab is what every row of the table of edits starts from and ends with.
//
//	h1 ─ a ┐
//	       s1 ─ c ─ r1 ─ d ─ r2 ─ e ─ h2
//	h3 ─ b ┘
const editedLab = `
namespaces: [{name: h1}, {name: h2}, {name: h3}]
routers: [{name: r1}, {name: r2}]
switches: [{name: s1, subnet: lan}]
subnets:
- {name: lan, cidrs: [10.1.0.0/24, "fd00:1::/64"]}
- {name: mid, cidrs: [10.2.0.0/24, "fd00:2::/64"]}
- {name: far, cidrs: [10.3.0.0/24, "fd00:3::/64"]}
- {name: other, cidrs: [10.4.0.0/24]}
- {name: another, cidrs: ["fd00:5::/64"]}
links:
- {name: a, endpoints: [{name: h1}, {name: s1}]}
- {name: b, endpoints: [{name: h3}, {name: s1}]}
- {name: c, endpoints: [{name: s1}, {name: r1}]}
- {name: d, subnet: mid, endpoints: [{name: r1}, {name: r2}]}
- {name: e, subnet: far, endpoints: [{name: r2}, {name: h2}]}
`

type spec = v1alpha1.NetLabSpec

// attribute is a field of a lab's description with two values besides the one of editedLab. It is
// edited from its first value to the next, and in the end back to the first.
type attribute struct {
	// field is the API's, with what distinguishes rows of one field behind a space.
	field string
	// set gives the field its value 1 or 2; editedLab has 0.
	set func(s *spec, value int)
	// steps are what the three edits are called: add, change, remove unless it says otherwise.
	steps []string
}

var (
	optional = []string{"add", "change", "remove"}
	required = []string{"change", "change again", "change back"}
)

func of[T any](value int, values ...T) T { return values[value-1] }

func end(s *spec, link, side int) *v1alpha1.Endpoint { return &s.Links[link].Endpoints[side] }

// Indexes of editedLab's links and ends.
const (
	linkA, linkB, linkC, linkD, linkE = 0, 1, 2, 3, 4
	near, far                         = 0, 1
)

// nodeAttributes are what hosts, routers and switches all have.
func nodeAttributes(kind string, config func(*spec) *v1alpha1.NodeConfig, via string, addresses [2]string) []attribute {
	route := func(to string, r v1alpha1.Route) func(*spec, int) {
		return func(s *spec, v int) {
			r := r
			r.To = to
			if v == 2 {
				r.Metric = 50
			}
			config(s).Routes = []v1alpha1.Route{r}
		}
	}
	loopback := func(values ...string) func(*spec, int) {
		return func(s *spec, v int) { config(s).Loopbacks = []string{of(v, values...)} }
	}
	return []attribute{
		{kind + ".loopbacks[] IPv4", loopback("10.255.0.1/32", "10.255.0.2/32"), optional},
		{kind + ".loopbacks[] IPv6", loopback("fd00:255::1/128", "fd00:255::2/128"), optional},
		{kind + ".routes[].to IPv4", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: of(v, "10.77.0.0/16", "10.78.0.0/16"), Via: via}}
		}, optional},
		{kind + ".routes[].to IPv6", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: of(v, "fd00:77::/64", "fd00:78::/64"), Via: via}}
		}, optional},
		{kind + ".routes[].via IPv4", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: "10.77.0.0/16", Via: of(v, via, "10.1.0.2")}}
		}, optional},
		{kind + ".routes[].via IPv6", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: "fd00:77::/64", Via: of(v, via, "fd00:1::2")}}
		}, optional},
		{kind + ".routes[].metric IPv4", route("10.77.0.0/16", v1alpha1.Route{Via: via}), optional},
		{kind + ".routes[].metric IPv6", route("fd00:77::/64", v1alpha1.Route{Via: via}), optional},
		{kind + ".routes[].type IPv4", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: "10.66.0.0/16", Type: of(v, v1alpha1.RouteBlackhole, v1alpha1.RouteProhibit)}}
		}, optional},
		{kind + ".routes[].type IPv6", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: "fd00:66::/64", Type: of(v, v1alpha1.RouteUnreachable, v1alpha1.RouteBlackhole)}}
		}, optional},
		{kind + ".routes[].src IPv4", func(s *spec, v int) {
			config(s).Loopbacks = []string{"10.255.0.1/32", "10.255.0.2/32"}
			config(s).Routes = []v1alpha1.Route{{To: "10.77.0.0/16", Via: via, Src: of(v, "10.255.0.1", "10.255.0.2")}}
		}, optional},
		{kind + ".routes[].src IPv6", func(s *spec, v int) {
			config(s).Loopbacks = []string{"fd00:255::1/128", "fd00:255::2/128"}
			config(s).Routes = []v1alpha1.Route{{To: "fd00:77::/64", Via: via, Src: of(v, "fd00:255::1", "fd00:255::2")}}
		}, optional},
		{kind + ".routes[].nextHops[].via IPv4", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: "10.77.0.0/16", NextHops: []v1alpha1.NextHop{{Via: addresses[0]}, {Via: of(v, "10.1.0.99", "10.1.0.98")}}}}
		}, optional},
		{kind + ".routes[].nextHops[].via IPv6", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: "fd00:77::/64", NextHops: []v1alpha1.NextHop{{Via: addresses[1]}, {Via: of(v, "fd00:1::99", "fd00:1::98")}}}}
		}, optional},
		{kind + ".routes[].nextHops[].weight IPv4", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: "10.77.0.0/16", NextHops: []v1alpha1.NextHop{{Via: addresses[0], Weight: int32(v)}, {Via: "10.1.0.99"}}}}
		}, optional},
		{kind + ".routes[].nextHops[].weight IPv6", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: "fd00:77::/64", NextHops: []v1alpha1.NextHop{{Via: addresses[1], Weight: int32(v)}, {Via: "fd00:1::99"}}}}
		}, optional},
		{kind + ".sysctls[].name IPv4", func(s *spec, v int) {
			config(s).Sysctls = []v1alpha1.Sysctl{{Name: of(v, "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter"), Value: intstr.FromInt32(2)}}
		}, optional},
		{kind + ".sysctls[].name IPv6", func(s *spec, v int) {
			config(s).Sysctls = []v1alpha1.Sysctl{{Name: of(v, "net.ipv6.conf.all.hop_limit", "net.ipv6.conf.default.accept_redirects"), Value: intstr.FromInt32(33)}}
		}, optional},
		{kind + ".sysctls[].value", func(s *spec, v int) {
			config(s).Sysctls = []v1alpha1.Sysctl{{Name: "net.ipv4.ip_default_ttl", Value: intstr.FromInt32(int32(30 * v))}}
		}, optional},
	}
}

// linkedRoutes are the parts of a route that name a link. onLinkVia is on no prefix of the node.
func linkedRoutes(kind string, config func(*spec) *v1alpha1.NodeConfig, link, via string) []attribute {
	return []attribute{
		{kind + ".routes[].link", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{of(v, v1alpha1.Route{To: "10.77.0.0/16", Link: link}, v1alpha1.Route{To: "10.77.0.0/16", Link: link, Via: via})}
		}, optional},
		{kind + ".routes[].onLink", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: "10.77.0.0/16", Link: link, Via: of(v, "172.16.0.1", "172.16.0.2"), OnLink: true}}
		}, optional},
		{kind + ".routes[].nextHops[].link", func(s *spec, v int) {
			config(s).Routes = []v1alpha1.Route{{To: "10.77.0.0/16", NextHops: []v1alpha1.NextHop{{Via: via, Link: of(v, "", link)}}}}
		}, optional},
	}
}

var edits = slices.Concat(
	nodeAttributes("namespaces[]", func(s *spec) *v1alpha1.NodeConfig { return &s.Namespaces[0].NodeConfig }, "r1", [2]string{"10.1.0.254", "fd00:1::fe"}),
	nodeAttributes("routers[]", func(s *spec) *v1alpha1.NodeConfig { return &s.Routers[0].NodeConfig }, "h1", [2]string{"10.1.0.1", "fd00:1::1"}),
	// A switch routes once it has addresses.
	nodeAttributes("switches[]", func(s *spec) *v1alpha1.NodeConfig {
		s.Switches[0].Addresses = []string{"10.1.0.128/24", "fd00:1::80/64"}
		return &s.Switches[0].NodeConfig
	}, "r1", [2]string{"10.1.0.254", "fd00:1::fe"}),
	linkedRoutes("namespaces[]", func(s *spec) *v1alpha1.NodeConfig { return &s.Namespaces[0].NodeConfig }, "a", "r1"),
	linkedRoutes("routers[]", func(s *spec) *v1alpha1.NodeConfig { return &s.Routers[0].NodeConfig }, "c", "h1"),
	linkedRoutes("switches[]", func(s *spec) *v1alpha1.NodeConfig {
		s.Switches[0].Addresses = []string{"10.1.0.128/24"}
		return &s.Switches[0].NodeConfig
	}, "br0", "r1"),
	[]attribute{
		{"routing", func(s *spec, v int) { s.Routing = of(v, v1alpha1.RoutingManual, v1alpha1.RoutingAuto) }, []string{"Manual", "Auto", "remove"}},
		{"neighbors", func(s *spec, v int) { s.Neighbors = of(v, v1alpha1.NeighborsStatic, v1alpha1.NeighborsLearned) }, []string{"Static", "Learned", "remove"}},
		{"neighbors where an address moves", func(s *spec, v int) {
			s.Neighbors = v1alpha1.NeighborsStatic
			end(s, linkE, far).Addresses = []string{of(v, "10.3.0.7/24", "10.3.0.8/24")}
		}, optional},
		{"neighbors where a MAC changes", func(s *spec, v int) {
			s.Neighbors = v1alpha1.NeighborsStatic
			end(s, linkE, far).MAC = of(v, "02:00:00:00:00:01", "02:00:00:00:00:02")
		}, optional},
		{"namespaces[].name", func(s *spec, v int) {
			s.Namespaces[2].Name = of(v, "h7", "h8")
			end(s, linkB, near).Name = of(v, "h7", "h8")
		}, required},
		{"namespaces[] alone", func(s *spec, v int) { s.Namespaces = append(s.Namespaces, v1alpha1.Namespace{Name: of(v, "h7", "h8")}) }, optional},
		{"routers[].name", func(s *spec, v int) {
			s.Routers[1].Name = of(v, "r7", "r8")
			end(s, linkD, far).Name, end(s, linkE, near).Name = of(v, "r7", "r8"), of(v, "r7", "r8")
		}, required},
		{"routers[].forwarding", func(s *spec, v int) {
			s.Routers[0].Forwarding = of(v, v1alpha1.Disabled, v1alpha1.Enabled)
		}, []string{"Disabled", "Enabled", "remove"}},
		{"switches[].name", func(s *spec, v int) {
			s.Switches[0].Name = of(v, "s7", "s8")
			for _, l := range []int{linkA, linkB} {
				end(s, l, far).Name = of(v, "s7", "s8")
			}
			end(s, linkC, near).Name = of(v, "s7", "s8")
		}, required},
		{"switches[].subnet", func(s *spec, v int) { s.Switches[0].Subnet = of(v, "other", "another") }, required},
		{"switches[].stp", func(s *spec, v int) { s.Switches[0].STP = of(v, v1alpha1.Enabled, v1alpha1.Disabled) }, []string{"Enabled", "Disabled", "remove"}},
		{"switches[].addresses[] IPv4", func(s *spec, v int) { s.Switches[0].Addresses = []string{of(v, "10.1.0.128/24", "10.1.0.129/24")} }, optional},
		{"switches[].addresses[] IPv6", func(s *spec, v int) { s.Switches[0].Addresses = []string{of(v, "fd00:1::80/64", "fd00:1::81/64")} }, optional},
		{"switches[].forwarding", func(s *spec, v int) {
			s.Switches[0].Addresses = []string{"10.1.0.128/24"}
			s.Switches[0].Forwarding = of(v, v1alpha1.Enabled, v1alpha1.Disabled)
		}, []string{"Enabled", "Disabled", "remove"}},
		{"subnets[].name", func(s *spec, v int) {
			s.Subnets[1].Name = of(v, "mid1", "mid2")
			s.Links[linkD].Subnet = of(v, "mid1", "mid2")
		}, required},
		{"subnets[].cidrs[] IPv4", func(s *spec, v int) { s.Subnets[1].CIDRs[0] = of(v, "10.22.0.0/24", "10.22.0.0/28") }, required},
		{"subnets[].cidrs[] IPv6", func(s *spec, v int) { s.Subnets[1].CIDRs[1] = of(v, "fd00:22::/64", "fd00:22::/120") }, required},
		{"subnets[].cidrs[] without IPv4", func(s *spec, v int) { s.Subnets[1].CIDRs = s.Subnets[1].CIDRs[v-1:][:1] }, []string{"drop IPv6", "IPv6 for IPv4", "both again"}},
		{"links[].name", func(s *spec, v int) { s.Links[linkE].Name = of(v, "e1", "e2") }, required},
		{"links[] one more", func(s *spec, v int) {
			s.Links = append(s.Links, v1alpha1.Link{Name: of(v, "f", "g"), Subnet: "other", Endpoints: []v1alpha1.Endpoint{{Name: "h1"}, {Name: "h2"}}})
		}, optional},
		{"links[].subnet", func(s *spec, v int) { s.Links[linkE].Subnet = of(v, "other", "another") }, required},
		{"links[].mtu", func(s *spec, v int) { s.Links[linkD].MTU = of(v, v1alpha1.MTU(1400), 9000) }, optional},
		{"links[].mtu of a port", func(s *spec, v int) { s.Links[linkA].MTU = of(v, v1alpha1.MTU(1400), 9000) }, optional},
		{"links[].mtu without IPv6", func(s *spec, v int) {
			s.Subnets[2].CIDRs = s.Subnets[2].CIDRs[:1]
			s.Links[linkE].MTU = of(v, v1alpha1.MTU(1279), 576)
		}, optional},
		{"links[].state", func(s *spec, v int) { s.Links[linkE].State = of(v, v1alpha1.LinkDown, v1alpha1.LinkUp) }, []string{"Down", "Up", "remove"}},
		{"links[].state of a port", func(s *spec, v int) { s.Links[linkA].State = of(v, v1alpha1.LinkDown, v1alpha1.LinkUp) }, []string{"Down", "Up", "remove"}},
		{"links[].impairment.rate", func(s *spec, v int) {
			s.Links[linkD].Impairment = &v1alpha1.Impairment{Rate: of(v, "10Mbit", "20Mbit")}
		}, optional},
		{"links[].endpoints[].name", func(s *spec, v int) { end(s, linkE, near).Name = of(v, "r1", "h3") }, required},
		{"links[].endpoints[].interface", func(s *spec, v int) { end(s, linkE, far).Interface = of(v, "eth0", "eth1") }, optional},
		{"links[].endpoints[].addresses[] IPv4", func(s *spec, v int) { end(s, linkE, far).Addresses = []string{of(v, "10.3.0.7/24", "10.3.0.8/24")} }, optional},
		{"links[].endpoints[].addresses[] IPv6", func(s *spec, v int) { end(s, linkE, far).Addresses = []string{of(v, "fd00:3::7/64", "fd00:3::8/64")} }, optional},
		{"links[].endpoints[].addresses[] link-local", func(s *spec, v int) { end(s, linkE, far).Addresses = []string{of(v, "fe80::7/64", "fe80::8/64")} }, optional},
		{"links[].endpoints[].addresses[] one more", func(s *spec, v int) {
			end(s, linkE, far).Addresses = []string{"10.3.0.1/24", of(v, "10.3.0.8/24", "10.33.0.8/24")}
		}, optional},
		{"links[].endpoints[].addresses[] order", func(s *spec, v int) {
			end(s, linkE, far).Addresses = of(v, []string{"10.3.0.1/24", "10.3.0.8/24"}, []string{"10.3.0.8/24", "10.3.0.1/24"})
		}, []string{"add", "swap", "remove"}},
		{"links[].endpoints[].mac", func(s *spec, v int) { end(s, linkE, far).MAC = of(v, "02:00:00:00:00:01", "02:00:00:00:00:02") }, optional},
		{"links[].endpoints[].mtu", func(s *spec, v int) { end(s, linkD, far).MTU = of(v, v1alpha1.MTU(1400), 1300) }, optional},
		{"links[].endpoints[].impairment.rate", func(s *spec, v int) {
			end(s, linkD, near).Impairment = &v1alpha1.Impairment{Rate: of(v, "10Mbit", "20Mbit")}
		}, optional},
	},
)

// impairments are netem's attributes, of a link and of an end.
func impairments(field string, of func(*spec) **v1alpha1.Impairment) []attribute {
	one := func(name string, set func(*v1alpha1.Impairment, int)) attribute {
		return attribute{field + "." + name, func(s *spec, v int) {
			i := &v1alpha1.Impairment{}
			set(i, v)
			*of(s) = i
		}, optional}
	}
	portion := []string{"", "1%", "2%"}
	time := []string{"", "1ms", "2ms"}
	return []attribute{
		one("delay", func(i *v1alpha1.Impairment, v int) { i.Delay = time[v] }),
		one("jitter", func(i *v1alpha1.Impairment, v int) { i.Delay, i.Jitter = "5ms", time[v] }),
		one("loss", func(i *v1alpha1.Impairment, v int) { i.Loss = portion[v] }),
		one("duplicate", func(i *v1alpha1.Impairment, v int) { i.Duplicate = portion[v] }),
		one("corrupt", func(i *v1alpha1.Impairment, v int) { i.Corrupt = portion[v] }),
		one("reorder", func(i *v1alpha1.Impairment, v int) { i.Delay, i.Reorder = "5ms", portion[v] }),
		one("rate and delay", func(i *v1alpha1.Impairment, v int) { i.Delay, i.Rate = "5ms", []string{"", "10Mbit", "20Mbit"}[v] }),
	}
}

// filtered makes s1 a switch with VLANs, with all of editedLab's ports in VLAN 1.
func filtered(s *spec) *v1alpha1.Switch {
	s.Switches[0].Subnet, s.Switches[0].VLANFiltering = "", v1alpha1.Enabled
	s.Switches[0].VLANs = []v1alpha1.SwitchVLAN{{ID: 1, Subnet: "lan"}, {ID: 20, Subnet: "other"}}
	return &s.Switches[0]
}

// stick gives r1 an interface for VLAN 20 over its cable to s1.
func stick(s *spec) *v1alpha1.Subinterface {
	filtered(s)
	end(s, linkC, near).VLANs, end(s, linkC, near).NativeVLAN = []v1alpha1.VLANID{20}, 1
	end(s, linkC, far).Subinterfaces = []v1alpha1.Subinterface{{VLAN: 20}}
	return &end(s, linkC, far).Subinterfaces[0]
}

// fullKernelEdits need a kernel with VLANs and netem: a test with the build tag fullkernel makes them.
var fullKernelEdits = slices.Concat(
	impairments("links[].impairment", func(s *spec) **v1alpha1.Impairment { return &s.Links[linkD].Impairment }),
	impairments("links[].endpoints[].impairment", func(s *spec) **v1alpha1.Impairment { return &end(s, linkD, near).Impairment }),
	[]attribute{
		{"switches[].vlanFiltering", func(s *spec, v int) {
			if v == 1 {
				filtered(s)
			} else {
				s.Switches[0].VLANFiltering = v1alpha1.Disabled
			}
		}, []string{"Enabled", "Disabled", "remove"}},
		{"switches[].vlans[].id", func(s *spec, v int) {
			filtered(s).VLANs[1].ID = of(v, v1alpha1.VLANID(20), 30)
			end(s, linkB, far).VLAN = of(v, v1alpha1.VLANID(20), 30)
		}, optional},
		{"switches[].vlans[].subnet", func(s *spec, v int) {
			filtered(s).VLANs[1].Subnet = of(v, "other", "another")
			end(s, linkB, far).VLAN = 20
		}, optional},
		{"switches[].vlans[].addresses[] IPv4", func(s *spec, v int) {
			filtered(s).VLANs[0].Addresses = []string{of(v, "10.1.0.128/24", "10.1.0.129/24")}
		}, optional},
		{"switches[].vlans[].addresses[] IPv6", func(s *spec, v int) {
			filtered(s).VLANs[0].Addresses = []string{of(v, "fd00:1::80/64", "fd00:1::81/64")}
		}, optional},
		{"links[].endpoints[].vlan", func(s *spec, v int) { filtered(s); end(s, linkB, far).VLAN = of(v, v1alpha1.VLANID(20), 1) }, optional},
		{"links[].endpoints[].vlans[]", func(s *spec, v int) {
			stick(s)
			end(s, linkC, near).VLANs = of(v, []v1alpha1.VLANID{20}, []v1alpha1.VLANID{20, 30})
		}, optional},
		{"links[].endpoints[].nativeVLAN", func(s *spec, v int) { stick(s); end(s, linkC, near).NativeVLAN = of(v, v1alpha1.VLANID(1), 40) }, optional},
		{"links[].endpoints[].subinterfaces[].vlan", func(s *spec, v int) {
			stick(s).VLAN = of(v, v1alpha1.VLANID(20), 30)
			end(s, linkC, near).VLANs = []v1alpha1.VLANID{20, 30}
		}, optional},
		{"links[].endpoints[].subinterfaces[].name", func(s *spec, v int) { stick(s).Name = of(v, "v20", "vlan20") }, optional},
		{"links[].endpoints[].subinterfaces[].subnet", func(s *spec, v int) {
			sub := stick(s)
			s.Switches[0].VLANs = s.Switches[0].VLANs[:1]
			sub.Subnet = of(v, "other", "another")
		}, optional},
		{"links[].endpoints[].subinterfaces[].addresses[] IPv4", func(s *spec, v int) { stick(s).Addresses = []string{of(v, "10.4.0.7/24", "10.4.0.8/24")} }, optional},
		{"links[].endpoints[].subinterfaces[].addresses[] IPv6", func(s *spec, v int) { stick(s).Addresses = []string{of(v, "fd00:4::7/64", "fd00:4::8/64")} }, optional},
	},
)

// notInTheKernel are fields that say when, where and what to ask, not what a lab is.
var notInTheKernel = []string{"driftPolicy", "suspend", "placement", "probes[]"}

// A new field of the API without a row is a field nobody knows how to edit.
func TestEveryFieldHasItsEdits(t *testing.T) {
	have := map[string]bool{}
	for _, a := range slices.Concat(edits, fullKernelEdits) {
		have[strings.Fields(a.field)[0]] = true
	}
	for _, field := range leaves(reflect.TypeFor[spec](), "") {
		free := slices.ContainsFunc(notInTheKernel, func(f string) bool { return field == f || strings.HasPrefix(field, f+".") })
		if !have[field] && !free {
			t.Errorf("%s has no row in the table of edits", field)
		}
	}
}

// leaves are the fields of a type that hold values, as paths of their JSON names.
func leaves(of reflect.Type, path string) []string {
	switch of.Kind() {
	case reflect.Pointer:
		return leaves(of.Elem(), path)
	case reflect.Slice:
		return leaves(of.Elem(), path+"[]")
	case reflect.Struct:
		if of == reflect.TypeFor[intstr.IntOrString]() {
			return []string{path}
		}
	default:
		return []string{path}
	}
	var all []string
	for i := range of.NumField() {
		f := of.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case options == "inline" || f.Anonymous:
			all = append(all, leaves(f.Type, path)...)
		default:
			all = append(all, leaves(f.Type, strings.TrimPrefix(path+"."+name, "."))...)
		}
	}
	return all
}

//go:embed testdata/edits.txt
var expectedEdits string

// updateVariable makes the test write what it found as what is expected; read it before you commit it.
const updateVariable = "NETLAB_UPDATE_EDITS"

// Each edit of each attribute has exactly the plan and disturbs exactly what testdata/edits.txt says, and
// nothing that the plan does not name.
func TestEveryEditDisturbsOnlyWhatItNames(t *testing.T) {
	e := &editor{k: newMachine(t), netem: false} // so that a rate is limited in the same way everywhere
	e.mustEdit(t, edits, expectedEdits, "testdata/edits.txt")
}

// mustEdit makes all edits, one after the other, in one lab.
func (e *editor) mustEdit(t *testing.T, rows []attribute, expected, file string) {
	t.Helper()
	e.become(t, editedSpec(t, nil, 0))
	var found strings.Builder
	for _, row := range rows {
		t.Run(row.field, func(t *testing.T) {
			for i, value := range []int{1, 2, 0} {
				story := e.edit(t, row.field+" | "+row.steps[i], editedSpec(t, row.set, value))
				found.WriteString(story)
				if !strings.Contains(expected, "\n"+story) {
					t.Errorf("%s does not expect:\n%s", file, story)
				}
			}
		})
	}
	if _, err := converge.Remove(t.Context(), e.k, walkLab); err != nil {
		t.Error(err)
	}
	if os.Getenv(updateVariable) != "" {
		header, _, _ := strings.Cut(expected, "\n\n")
		t.Logf("%s:\n%s", file, found.String())
		if err := os.WriteFile(file, []byte(header+"\n\n"+found.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func editedSpec(t testing.TB, set func(*spec, int), value int) *spec {
	t.Helper()
	var s spec
	if err := yaml.UnmarshalStrict([]byte(editedLab), &s); err != nil {
		t.Fatal(err)
	}
	if value > 0 {
		set(&s, value)
	}
	return &s
}

// editor holds one lab and edits it.
type editor struct {
	k *kernel.Kernel
	// netem says that the kernel has it.
	netem bool
	lab   *lab.Lab
	spec  *spec
	// out is the outcome of the last edit, parts how many looks were at a part of the lab.
	out   converge.Outcome
	parts int
}

func (e *editor) become(t *testing.T, s *spec) []state.Op {
	t.Helper()
	lab, err := lab.Compile(walkLab, s, lab.Options{Symlinks: true, HasNetem: func() bool { return e.netem }})
	if err != nil {
		t.Fatal(err)
	}
	out, err := converge.ConvergeFrom(t.Context(), compared{e.k, t, &e.parts}, walkLab, lab.Want, e.out, nil)
	if err != nil || !out.State.Equal(lab.Want) {
		t.Fatalf("%v, left: %s", err, texts(out.Left))
	}
	e.lab, e.spec, e.out = lab, s, out
	return out.Applied
}

// edit returns the plan and what it disturbed. Before it, whoever should reach somebody does.
func (e *editor) edit(t *testing.T, name string, s *spec) string {
	t.Helper()
	e.greet(t)
	lookAt(t, e.k, e.namespaces()).plantSentinels(t, walkLab.NetworkNamespace)
	before := lookAt(t, e.k, e.namespaces())
	old := e.lab
	plan := e.become(t, s)
	disturbed := before.disturbed(lookAt(t, e.k, e.namespaces()))
	for _, d := range disturbed {
		mustBeNamed(t, d, plan, old)
	}
	var story strings.Builder
	story.WriteString(name + "\n")
	for _, op := range plan {
		story.WriteString("    " + op.String() + "\n")
	}
	for _, d := range disturbed {
		story.WriteString("  disturbs " + d + "\n")
	}
	story.WriteString("\n")
	return story.String()
}

func (e *editor) namespaces() []string {
	var names []string
	for _, node := range e.lab.Nodes {
		names = append(names, walkLab.NetworkNamespace(node))
	}
	return names
}

// mustBeNamed fails unless the plan has an operation on the disturbed interface, or on its other end.
func mustBeNamed(t *testing.T, disturbed string, plan []state.Op, old *lab.Lab) {
	t.Helper()
	what, _, _ := strings.Cut(disturbed, ":")
	node, link, _ := strings.Cut(what, " ")
	id := state.LinkID{Namespace: walkLab.NetworkNamespace(node), Name: link}
	for _, end := range []state.LinkID{id, old.Want[id.Namespace].Links[id.Name].Peer} {
		for _, op := range plan {
			fields := strings.Fields(op.String())
			if slices.Contains(fields, end.Namespace) && slices.Contains(fields, end.Name) {
				return
			}
		}
	}
	t.Errorf("%s, and the plan does not name it", disturbed)
}

// greet fails unless everybody answers who is connected in the lab as it is written.
func (e *editor) greet(t *testing.T) {
	t.Helper()
	if err := settle(t.Context(), e.k, e.lab); err != nil {
		t.Fatal(err)
	}
	pairs := labtest.Reachability(e.spec, e.lab.Want)
	pairs = slices.DeleteFunc(pairs, func(q labtest.Pair) bool { return q.Expect != labtest.Yes })
	p := &pinger{k: e.k}
	for attempt := 0; len(pairs) > 0; attempt++ {
		replied := make([]bool, len(pairs))
		p.each(t, e.lab, pairs, replied, deadline)
		var silent []labtest.Pair
		for i, q := range pairs {
			if !replied[i] {
				silent = append(silent, q)
			}
		}
		if pairs = silent; attempt == 60 {
			t.Fatalf("no replies: %v", pairs)
		}
	}
}
