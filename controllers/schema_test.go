// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
)

func TestTheAPIServerAcceptsEverySample(t *testing.T) {
	c := adminClient(t)
	namespace := newNamespace(t, c)
	samples, err := filepath.Glob(filepath.Join("..", "config", "samples", "*.yaml"))
	if err != nil || len(samples) < 2 {
		t.Fatalf("found %d samples: %v", len(samples), err)
	}
	for _, path := range samples {
		for _, o := range readObjects(t, path) {
			if o.GetKind() != "NetLab" {
				continue
			}
			t.Run(o.GetName(), func(t *testing.T) {
				o.SetNamespace(namespace)
				create(t, strictly(c), o)
			})
		}
	}
}

func TestTheAPIServerAcceptsALabOfFullSize(t *testing.T) {
	c := adminClient(t)
	netlab := fullSizeLab()
	netlab.Namespace = newNamespace(t, c)
	if problems := lab.Validate(netlab); len(problems) > 0 {
		t.Fatalf("the test's own lab is invalid: %v", problems)
	}
	create(t, c, netlab)
	netlab.Spec.Suspend = true
	if err := c.Update(t.Context(), netlab); err != nil {
		t.Fatalf("an update costs more than a create: %v", err)
	}
}

// The rules about subnets of VLANs and subinterfaces compare each with each. They leave labs of this size to the
// controller, and those of just below cost less than the API server's budget for a rule.
func TestTheRulesHaveABudget(t *testing.T) {
	c := adminClient(t)
	namespace := newNamespace(t, c)
	for _, subnets := range []int{24, 97, 256} {
		for _, netlab := range []*v1alpha1.NetLab{vlansOn(subnets), subinterfacesOn(subnets)} {
			netlab.Namespace = namespace
			if err := c.Create(t.Context(), netlab, client.DryRunAll); err != nil {
				t.Errorf("%s on %d subnets: %.300v", netlab.Name, subnets, err)
			}
		}
	}
}

func withSubnets(name string, n int) *v1alpha1.NetLab {
	netlab := &v1alpha1.NetLab{}
	netlab.Name = name
	for i := range n {
		netlab.Spec.Subnets = append(netlab.Spec.Subnets, v1alpha1.Subnet{Name: fmt.Sprintf("long-name-s%d", i), CIDRs: []string{fmt.Sprintf("10.%d.0.0/24", i)}})
	}
	return netlab
}

// vlansOn has 64 switches of 64 VLANs, each with the last subnet.
func vlansOn(subnets int) *v1alpha1.NetLab {
	netlab := withSubnets("vlans", subnets)
	for i := range 64 {
		s := fullSizeSwitch(i)
		for v := range s.VLANs {
			s.VLANs[v].Subnet = netlab.Spec.Subnets[subnets-1].Name
		}
		netlab.Spec.Switches = append(netlab.Spec.Switches, s)
	}
	return netlab
}

// subinterfacesOn has 512 links with 16 subinterfaces at each end, each with the last subnet.
func subinterfacesOn(subnets int) *v1alpha1.NetLab {
	netlab := withSubnets("subinterfaces", subnets)
	netlab.Spec.Namespaces = []v1alpha1.Namespace{{Name: "long-name-h1"}, {Name: "long-name-h2"}}
	var list []v1alpha1.Subinterface
	for vlan := range v1alpha1.VLANID(16) {
		list = append(list, v1alpha1.Subinterface{VLAN: vlan + 1, Subnet: netlab.Spec.Subnets[subnets-1].Name})
	}
	for i := range 512 {
		netlab.Spec.Links = append(netlab.Spec.Links, v1alpha1.Link{Name: fmt.Sprintf("long-name-l%d", i), Endpoints: []v1alpha1.Endpoint{
			{Name: "long-name-h1", Subinterfaces: list}, {Name: "long-name-h2", Subinterfaces: list},
		}})
	}
	return netlab
}

// fullSizeLab has as many of everything as the API admits: a star of 256 hosts around 128 routers
// that form a ring and, with what links are left, chords.
func fullSizeLab() *v1alpha1.NetLab {
	lab := &v1alpha1.NetLab{}
	lab.Name = "full-size"
	s := &lab.Spec
	for i := range 128 {
		s.Routers = append(s.Routers, v1alpha1.Router{Name: fmt.Sprintf("long-name-r%d", i)})
	}
	for i := range 256 {
		s.Namespaces = append(s.Namespaces, v1alpha1.Namespace{Name: fmt.Sprintf("long-name-h%d", i)})
		s.Subnets = append(s.Subnets, v1alpha1.Subnet{Name: fmt.Sprintf("long-name-s%d", i), CIDRs: []string{
			fmt.Sprintf("10.%d.0.0/24", i), fmt.Sprintf("fd00:%x::/64", i),
		}})
	}
	for i := range 64 {
		s.Switches = append(s.Switches, fullSizeSwitch(i))
	}
	for i := range 512 {
		s.Links = append(s.Links, fullSizeLink(s, i))
	}
	for i := range 256 {
		s.Probes = append(s.Probes, v1alpha1.Probe{
			Name: fmt.Sprintf("a-probe-with-a-long-name-%d", i), From: s.Namespaces[i].Name, To: s.Namespaces[(i+1)%256].Name,
		})
	}
	return lab
}

// fullSizeSwitch knows as many VLANs as a switch may.
func fullSizeSwitch(i int) v1alpha1.Switch {
	s := v1alpha1.Switch{Name: fmt.Sprintf("long-name-w%d", i), VLANFiltering: v1alpha1.Enabled}
	for vlan := range v1alpha1.VLANID(64) {
		s.VLANs = append(s.VLANs, v1alpha1.SwitchVLAN{ID: 4000 + vlan})
	}
	return s
}

// trunk is a switch's end of a link with everything an end can say.
func trunk(s v1alpha1.Switch) v1alpha1.Endpoint {
	e := v1alpha1.Endpoint{Name: s.Name, NativeVLAN: 1, Impairment: everyImpairment()}
	for _, v := range s.VLANs {
		e.VLANs = append(e.VLANs, v.ID)
	}
	return e
}

func everyImpairment() *v1alpha1.Impairment {
	return &v1alpha1.Impairment{
		Delay: "10.25ms", Jitter: "1.5ms", Loss: "0.125%", Duplicate: "0.125%", Corrupt: "0.125%", Reorder: "0.125%", Rate: "10.5Mbit",
	}
}

// fullSizeLink is, by number, a host's cable, one between two routers with written addresses, or a
// router's trunk to a switch.
func fullSizeLink(s *v1alpha1.NetLabSpec, i int) v1alpha1.Link {
	link := v1alpha1.Link{Name: fmt.Sprintf("long-name-l%d", i), Impairment: everyImpairment()}
	if i < 256 {
		link.Subnet = s.Subnets[i].Name
		link.Endpoints = []v1alpha1.Endpoint{
			{Name: s.Namespaces[i].Name, MAC: fmt.Sprintf("02:00:00:00:01:%02x", i), Impairment: everyImpairment()},
			{Name: s.Routers[i%128].Name, MAC: fmt.Sprintf("02:00:00:00:02:%02x", i), Impairment: everyImpairment()},
		}
		return link
	}
	n := i - 256
	if i >= 448 {
		router := v1alpha1.Endpoint{Name: s.Routers[n%128].Name, Addresses: []string{fmt.Sprintf("172.17.%d.1/24", n)}}
		link.Endpoints = []v1alpha1.Endpoint{router, trunk(s.Switches[i-448])}
		return link
	}
	ends := [2]int{n % 128, (n + 1 + n/128) % 128}
	for side, router := range ends {
		link.Endpoints = append(link.Endpoints, v1alpha1.Endpoint{
			Name:      s.Routers[router].Name,
			Addresses: []string{fmt.Sprintf("172.16.%d.%d/30", n/64, n%64*4+1+side)},
		})
	}
	return link
}

func TestANewLabIsPending(t *testing.T) {
	c := adminClient(t)
	lab := labtest.RoutedPair()
	lab.Namespace = newNamespace(t, c)
	create(t, c, lab)
	if lab.Status.ObservedGeneration != -1 {
		t.Errorf("observedGeneration is %d; kstatus would call the lab Current", lab.Status.ObservedGeneration)
	}
	for _, kind := range []string{"Ready", "Accepted", "Realized", "Reachable"} {
		condition := meta.FindStatusCondition(lab.Status.Conditions, kind)
		if condition == nil || condition.Status != metav1.ConditionUnknown || condition.Reason != v1alpha1.ReasonPending {
			t.Errorf("%s is %v, want Unknown/Pending", kind, condition)
		}
	}
}

// Each case changes one thing of the tutorial's lab. The message has to tell what is wrong.
func TestTheAPIServerRefuses(t *testing.T) {
	c := adminClient(t)
	namespace := newNamespace(t, c)
	strict := strictly(c)
	for _, refused := range []struct {
		name, replace, with string
		message             string
	}{
		{"an unknown field", "routing: Auto", "rooting: Auto", `unknown field "spec.rooting"`},
		{"a routing that is not one", "routing: Auto", "routing: Dynamic", `supported values: "Auto", "Manual"`},
		{"a dot in the lab's name", "name: routed-pair", "name: routed.pair", "at most 63 characters long and have no dots"},
		{"a lab's name of 64 characters", "name: routed-pair", "name: " + strings.Repeat("x", 64), "at most 63 characters long and have no dots"},
		{"a name with a path in it", "{name: ns1}, {name: ns2}]", "{name: ../../x}, {name: ns1}, {name: ns2}]", "spec.namespaces[0].name"},
		{"a name of 16 characters", "{name: ns1}, {name: ns2}]", "{name: abcdefghijklmnop}, {name: ns1}, {name: ns2}]", "may not be more than 15"},
		{"a reserved name", "{name: ns1}, {name: ns2}]", "{name: all}, {name: ns1}, {name: ns2}]", "must not be lo, all or default"},
		{"a name that YAML takes for a boolean", "{name: ns1}, {name: ns2}]", "{name: true}, {name: ns1}, {name: ns2}]", `must be of type string: "boolean"`},
		{"the same node twice", "{name: ns1}, {name: ns2}]", "{name: ns1}, {name: ns1}, {name: ns2}]", "Duplicate value"},
		{"a namespace with a router's name", "{name: ns1}, {name: ns2}]", "{name: router}, {name: ns1}, {name: ns2}]", "router is the name of two nodes; names must be unique among namespaces, routers and switches"},
		{"an end at a node that is not there", "endpoints: [{name: ns1}", "endpoints: [{name: ns7}", "link l1: node ns7 does not exist; links[].endpoints[].name must be the name of a namespace, router or switch"},
		{"a link with one end", "endpoints: [{name: ns1}, {name: router}]", "endpoints: [{name: ns1}]", "should have at least 2 items"},
		{"a link with three ends", "{name: ns1}, {name: router}]", "{name: ns1}, {name: router}, {name: ns2}]", "must have at most 2 items"},
		{"a subnet that is not there", "subnet: left", "subnet: lift", "link l1: subnet lift does not exist; links[].subnet must be the name of a subnet"},
		{"a prefix with host bits", "192.0.2.0/24", "192.0.2.1/24", "must be a prefix without host bits"},
		{"a subnet that is no prefix", "192.0.2.0/24", "left", "must be a prefix without host bits"},
		{"two prefixes of one family", "[192.0.2.0/24]", "[192.0.2.0/24, 203.0.113.0/24]", "at most one prefix per address family"},
		{"an address without its length", "endpoints: [{name: ns1}", "endpoints: [{name: ns1, addresses: [192.0.2.1]}", "must be an address with its prefix length"},
		{"a MAC address that is none", "endpoints: [{name: ns1}", "endpoints: [{name: ns1, mac: beef}", "spec.links[0].endpoints[0].mac"},
		{"an MTU that IPv4 does not know", "{name: l1,", "{name: l1, mtu: 60,", "greater than or equal to 68"},
		{"a probe without a target", "from: ns1, to: ns2", "from: ns1", "exactly one of to and toAddress"},
		{"a probe with two targets", "from: ns1, to: ns2", `from: ns1, to: ns2, toAddress: 192.0.2.1`, "exactly one of to and toAddress"},
		{"a probe of a node that is not there", "from: ns1, to: ns2", "from: ns1, to: ns7", "probe ns1-ns2: node ns7 does not exist; probes[].from and probes[].to must be names"},
		{"a probe of no address", "from: ns1, to: ns2", "from: ns1, toAddress: router", "must be an IP address"},
		{"a route without a next hop", "{name: ns2}]", "{name: ns2, routes: [{to: default}]}]", "exactly one of via (or link), nextHops, and a type other than Unicast"},
		{"a blackhole with a next hop", "{name: ns2}]", "{name: ns2, routes: [{to: default, via: router, type: Blackhole}]}]", "exactly one of via (or link), nextHops"},
		{"a sysctl that is not in the list", "{name: ns2}]", "{name: ns2, sysctls: [{name: kernel.panic, value: 1}]}]", "Unsupported value"},
		{"a sysctl's value that is no number", "{name: ns2}]", "{name: ns2, sysctls: [{name: net.ipv4.tcp_ecn, value: yes please}]}]", "should match"},
		{"a loopback without its length", "{name: router}]", "{name: router, loopbacks: [10.0.0.1]}]", "must be an address with its prefix length"},
		{"more silent nodes than there can be", "routing: Auto", `placement: {maxUnavailable: 101%}`, "should match"},
		{"fewer silent nodes than none", "routing: Auto", `placement: {maxUnavailable: -1}`, "0 or more"},
		{"a switch with a subnet that filters VLANs", "routing: Auto", `switches: [{name: sw1, vlanFiltering: Enabled, subnet: left}]`, "subnet and addresses must be in vlans[]"},
		{"VLANs without filtering", "routing: Auto", `switches: [{name: sw1, vlans: [{id: 1}]}]`, "vlans requires vlanFiltering: Enabled"},
		{"a switch on a subnet that is not there", "routing: Auto", `switches: [{name: sw1, subnet: nope}]`, "switch sw1: subnet nope does not exist; switches[].subnet must be the name of a subnet"},
		{"a switch with a router's name", "routing: Auto", `switches: [{name: router}]`, "names must be unique among namespaces, routers and switches"},
		{"a VLAN that does not exist", "routing: Auto", `switches: [{name: sw1, vlanFiltering: Enabled, vlans: [{id: 4095}]}]`, "less than or equal to 4094"},
		{"a share of more than all", "name: l1, ", "name: l1, impairment: {loss: 101%}, ", "should match"},
		{"a rate without a unit", "name: l1, ", "name: l1, impairment: {rate: '10'}, ", "should match"},
		{"both ends at one node", "{name: ns1}, {name: router}]", "{name: ns1}, {name: ns1}]", `endpoints[1]: Duplicate value: {"name":"ns1"}`},
		{"a jitter without a delay", "name: l1, ", "name: l1, impairment: {jitter: 1ms}, ", "jitter and reorder require a delay: write delay as well"},
		{"a jitter with a delay of 0", "name: l1, ", "name: l1, impairment: {jitter: 1ms, delay: 0ms}, ", "jitter and reorder require a delay"},
		{"reordering without a delay", "name: l1, ", "name: l1, impairment: {reorder: 0.5%}, ", "jitter and reorder require a delay"},
		{"a delay of minutes", "name: l1, ", "name: l1, impairment: {delay: 61s}, ", "delay must be at most 60s"},
		{"a jitter that netem does not have", "name: l1, ", "name: l1, impairment: {delay: 3s, jitter: 2.148s}, ", "jitter must be at most 2.147s"},
		{"a MAC address of a group", "endpoints: [{name: ns1}", "endpoints: [{name: ns1, mac: '01:00:00:00:00:01'}", "must be unicast: the first byte must be even"},
		{"an operator that is none", "routing: Auto", "placement: {nodeSelector: {matchExpressions: [{key: zone, operator: Near, values: [a]}]}}", `Unsupported value: "Near": supported values: "In", "NotIn", "Exists", "DoesNotExist"`},
		{"an operator without values", "routing: Auto", "placement: {nodeSelector: {matchExpressions: [{key: zone, operator: In}]}}", "zone with In: In and NotIn require values"},
		{"a number of nodes that no program can read", "routing: Auto", "placement: {maxUnavailable: 99999999999}", "must be a number of nodes"},
		{"a VLAN on a subnet that is not there", "routing: Auto", "switches: [{name: sw1, vlanFiltering: Enabled, vlans: [{id: 1, subnet: left}, {id: 2, subnet: nope}]}]", "switch sw1: subnet nope does not exist"},
		{"a subinterface on a subnet that is not there", "endpoints: [{name: ns1}", "endpoints: [{name: ns1, subinterfaces: [{vlan: 1, subnet: nope}]}", "link l1: the subnet of a subinterface does not exist"},
		{"VLANs at a host", "endpoints: [{name: ns1}", "endpoints: [{name: ns1, vlan: 10}", "link l1 at ns1: vlan, vlans and nativeVLAN are allowed only at a switch"},
		{"an access port that is a trunk", "endpoints: [{name: ns1}", "endpoints: [{name: ns1, vlan: 10, nativeVLAN: 1}", "write vlan for an access port, or vlans and nativeVLAN for a trunk"},
		{"a name of the kernel's", "endpoints: [{name: ns1}", "endpoints: [{name: ns1, interface: tunl0}", "tunl0 is the name of a tunnel device"},
		{"a multicast address", "endpoints: [{name: ns1}", "endpoints: [{name: ns1, addresses: [224.0.0.1/24]}", "must be a unicast address"},
		{"a prefix length of 0", "endpoints: [{name: ns1}", "endpoints: [{name: ns1, addresses: [10.0.0.1/0]}", "with a prefix length above 0"},
		{"a subnet of this machine", "192.0.2.0/24", "127.0.0.0/24", "a prefix must be unicast"},
		{"a link-local loopback", "{name: router}]", "{name: router, loopbacks: ['fe80::1/64']}]", "a loopback must not be an IPv6 link-local address"},
		{"a sysctl's value out of range", "{name: ns2}]", "{name: ns2, sysctls: [{name: net.ipv4.tcp_ecn, value: 3}]}]", "net.ipv4.tcp_ecn exceeds its maximum"},
		{"a hop limit of 0", "{name: ns2}]", "{name: ns2, sysctls: [{name: net.ipv4.ip_default_ttl, value: 0}]}]", "net.ipv4.ip_default_ttl must be"},
		{"a probe over no link", "from: ns1, to: ns2", "from: ns1, toAddress: 'fe80::1', link: l7", "probe ns1-ns2: link l7 does not exist"},
		{"a link-local target without a link", "from: ns1, to: ns2", "from: ns1, toAddress: 'fe80::1'", "a link-local toAddress requires link"},
		{"a target of the other family", "from: ns1, to: ns2", "from: ns1, toAddress: 192.0.2.1, family: IPv6", "toAddress must be an address of the family"},
		{"a route with host bits", "{name: ns2}]", "{name: ns2, routes: [{to: 10.0.0.1/8, via: router}]}]", "10.0.0.1/8 has host bits set"},
		{"firewalls, which come later", "routing: Auto", `firewalls: [{name: fw}]`, `unknown field "spec.firewalls"`},
	} {
		t.Run(refused.name, func(t *testing.T) {
			written := strings.Replace(labtest.Tutorial, refused.replace, refused.with, 1)
			if written == labtest.Tutorial {
				t.Fatalf("%q is not in the tutorial's lab", refused.replace)
			}
			err := strict.Create(t.Context(), decodeLab(t, namespace, written))
			if err == nil || !strings.Contains(err.Error(), refused.message) {
				t.Errorf("got %v, want a message with %q", err, refused.message)
			}
		})
	}
}

func decodeLab(t *testing.T, namespace, written string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(written), &o.Object); err != nil {
		t.Fatal(err)
	}
	o.SetNamespace(namespace)
	return o
}

// strictly refuses unknown fields, as kubectl does.
func strictly(c client.Client) client.Client {
	return client.WithFieldValidation(c, metav1.FieldValidationStrict)
}
