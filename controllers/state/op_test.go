// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/state"
)

var everyOp = []state.Op{
	state.CreateNamespace{}, state.DeleteNamespace{}, state.AddSymlink{}, state.DeleteSymlink{},
	state.SetSysctl{}, state.AddLink{}, state.DeleteLink{}, state.SetAdmin{}, state.SetMTU{},
	state.SetMAC{}, state.SetGroup{}, state.ReleaseLink{}, state.AddAddress{}, state.DeleteAddress{},
	state.ReplaceRoute{}, state.DeleteRoute{}, state.DeleteNextHop{},
	state.AddBridge{}, state.SetBridge{}, state.AddVLANLink{}, state.SetMaster{}, state.SetPortVLAN{},
	state.DeletePortVLAN{}, state.ReplaceQdisc{}, state.DeleteQdisc{},
	state.ResetAttribute{}, state.DeleteChildQdisc{}, state.AddPrefixRoute{}, state.MoveAddress{},
	state.ReplaceNeighbour{}, state.DeleteNeighbour{},
}

func member(namespace, link string, vlan uint16) state.PortVLANID {
	return state.PortVLANID{Namespace: namespace, PortVLANKey: state.PortVLANKey{Link: link, VLAN: vlan}}
}

func neighbour(namespace, link, address string) state.NeighbourID {
	return state.NeighbourID{Namespace: namespace, NeighbourKey: state.NeighbourKey{Link: link, Address: netip.MustParseAddr(address)}}
}

func reset(namespace, link string, attribute state.LinkAttribute) state.Op {
	return state.ResetAttribute{AttributeID: state.AttributeID{Namespace: namespace, AttributeKey: state.AttributeKey{Link: link, Attribute: attribute}}}
}

// Every text was run with iproute2 6.1 and did what it says.
func TestOperationsReadLikeIP(t *testing.T) {
	metric := func(o state.ReplaceRoute, metric uint32) state.ReplaceRoute { o.Metric = metric; return o }
	weight := func(o state.ReplaceRoute, weight int) state.ReplaceRoute {
		hops := o.NextHops()
		hops[0].Weight = weight
		o.Hops, _ = state.GroupOf(hops...)
		return o
	}
	remove := func(o state.ReplaceRoute, protocol uint8) state.DeleteRoute {
		return state.DeleteRoute{RouteID: o.RouteID, Protocol: protocol}
	}
	l1 := end("d.lab.a", "l1")
	for _, c := range []struct {
		op   state.Op
		text string
	}{
		{state.DeleteNextHop{
			RouteID: state.RouteID{Namespace: "d.lab.a", RouteKey: state.RouteKey{Prefix: netip.MustParsePrefix("::/0"), Metric: 1024}},
			NextHop: state.NextHop{Link: "l1", Via: netip.MustParseAddr("fe80::1"), Weight: 1},
		}, "ip -n d.lab.a route delete ::/0 via fe80::1 dev l1 metric 1024"},
		{state.CreateNamespace{Name: "d.lab.a", Label: "m"}, "ip netns add d.lab.a"},
		{state.DeleteNamespace{Name: "d.lab.a"}, "ip netns delete d.lab.a"},
		{state.AddSymlink{Name: "d.lab.a"}, "ln -s /run/netlab/netns/d.lab.a /run/netns/d.lab.a"},
		{state.DeleteSymlink{Name: "d.lab.a"}, "rm /run/netns/d.lab.a"},
		{sysctl("d.lab.a", "net.ipv4.ip_forward", "1"), "ip netns exec d.lab.a sysctl -qw net.ipv4.ip_forward=1"},

		{pair(l1, end("d.lab.b", "up"), 7), "ip -n d.lab.a link add name l1 address 02:00:00:00:07:01 mtu 1500 group 20044" +
			" type veth peer name up address 02:00:00:00:07:02 mtu 1500 group 20044 netns d.lab.b"},
		{state.DeleteLink{LinkID: l1}, "ip -n d.lab.a link delete l1"},
		{state.SetAdmin{LinkID: l1, Up: true}, "ip -n d.lab.a link set l1 up"},
		{state.SetAdmin{LinkID: l1}, "ip -n d.lab.a link set l1 down"},
		{state.SetAdmin{LinkID: state.LinkID{Namespace: "d.lab.a", Name: "a"}, Up: true}, "ip -n d.lab.a link set dev a up"},
		{state.DeleteLink{LinkID: state.LinkID{Namespace: "d.lab.a", Name: "up"}}, "ip -n d.lab.a link delete dev up"},
		{state.SetMTU{LinkID: l1, MTU: 9000}, "ip -n d.lab.a link set l1 mtu 9000"},
		{state.SetMAC{LinkID: l1, MAC: state.MAC{2, 0, 0, 0, 0xab, 1}}, "ip -n d.lab.a link set l1 address 02:00:00:00:ab:01"},
		{state.SetGroup{LinkID: l1, Group: state.LinkGroup}, "ip -n d.lab.a link set l1 group 20044"},
		{state.ReleaseLink{LinkID: l1}, "ip -n d.lab.a link set l1 nomaster"},

		{state.AddBridge{LinkEnd: state.LinkEnd{LinkID: end("a", "br0"), MAC: state.MAC{2, 0, 0, 0, 0, 1}, MTU: 1500}, Bridge: state.Bridge{STP: true, ForwardDelay: 200, MaxAge: 600}},
			"ip -n a link add name br0 address 02:00:00:00:00:01 mtu 1500 group 20044 type bridge stp_state 1 forward_delay 200 max_age 600 vlan_default_pvid 0"},
		{state.SetBridge{LinkID: end("a", "br0"), Bridge: state.Bridge{ForwardDelay: 200, MaxAge: 600, VLANFiltering: true}},
			"ip -n a link set br0 type bridge stp_state 0 ageing_time 30000 forward_delay 200 max_age 600 vlan_filtering 1 vlan_default_pvid 0"},
		{state.AddVLANLink{LinkEnd: state.LinkEnd{LinkID: end("a", "l1.10"), MAC: state.MAC{2, 0, 0, 0, 0, 1}, MTU: 1500}, Parent: "l1", VLAN: 10},
			"ip -n a link add link l1 name l1.10 address 02:00:00:00:00:01 mtu 1500 group 20044 type vlan id 10"},
		{state.SetMaster{LinkID: l1, Master: "br0"}, "ip -n d.lab.a link set l1 master br0"},
		{state.SetPortVLAN{PortVLANID: member("a", "l1", 10), PortVLAN: state.PortVLAN{PVID: true, Untagged: true}}, "bridge -n a vlan add dev l1 vid 10 pvid untagged"},
		{state.SetPortVLAN{PortVLANID: member("a", "br0", 10), Self: true}, "bridge -n a vlan add dev br0 vid 10 self"},
		{state.DeletePortVLAN{PortVLANID: member("a", "l1", 10)}, "bridge -n a vlan delete dev l1 vid 10"},
		{state.ReplaceQdisc{LinkID: end("a", "l1"), Qdisc: state.Qdisc{Kind: state.Netem, Limit: 1000, Delay: 10 * time.Millisecond, Jitter: 1500 * time.Microsecond, Loss: 21474836, Rate: 1_250_000}},
			"tc -n a qdisc replace dev l1 root netem limit 1000 delay 10ms 1500us loss 0.5% rate 10000000bit"},
		{state.ReplaceQdisc{LinkID: end("a", "l1"), Qdisc: state.Qdisc{Kind: state.TBF, Rate: 125_000, Burst: 625_000, Limit: 11_250}},
			"tc -n a qdisc replace dev l1 root tbf rate 1000000bit burst 5000 limit 11250"},
		{state.DeleteQdisc{LinkID: end("a", "l1")}, "tc -n a qdisc delete dev l1 root"},
		{state.DeleteChildQdisc{LinkID: end("a", "l1"), Parent: 0x80010001}, "tc -n a qdisc delete dev l1 parent 8001:1"},
		{reset("a", "l1", "arp"), "ip -n a link set l1 arp on"},
		{reset("a", "arp", "arp"), "ip -n a link set dev arp arp on"},
		{reset("a", "br0", "type bridge ageing_time"), "ip -n a link set br0 type bridge ageing_time 30000"},
		{reset("a", "l1", "type bridge_slave learning"), "ip -n a link set l1 type bridge_slave learning on"},
		{reset("a", "l1", "type bridge_slave nobackup_port"), "ip -n a link set l1 type bridge_slave nobackup_port"},
		{reset("a", "l1", state.PortState), "ip -n a link set l1 type bridge_slave state 0"},
		{reset("a", "l1.10", "type vlan reorder_hdr"), "ip -n a link set l1.10 type vlan reorder_hdr on"},
		{sysctl("a", "net.ipv4.conf.eth0.10.forwarding", "1"), "ip netns exec a sysctl -qw net.ipv4.conf.eth0/10.forwarding=1"},
		{sysctl("a", "net.bridge.bridge-nf-call-iptables", "0"), "ip netns exec a sysctl -eqw net.bridge.bridge-nf-call-iptables=0"},

		{state.AddAddress{AddressID: address("a", "l1", "10.0.0.1/24")}, "ip -n a address replace 10.0.0.1/24 dev l1"},
		{state.AddAddress{AddressID: address("a", "l1", "fd00::1/64")}, "ip -n a address replace fd00::1/64 dev l1 nodad"},
		{state.DeleteAddress{AddressID: address("a", "l1", "10.0.0.1/24")}, "ip -n a address delete 10.0.0.1/24 dev l1"},
		{state.DeleteAddress{AddressID: address("a", "l1", "fd00::1/64")}, "ip -n a address delete fd00::1/64 dev l1"},

		{state.MoveAddress{From: address("a", "l1", "10.0.0.1/24"), To: address("b", "l2", "10.0.0.1/25")},
			"ip -n a address delete 10.0.0.1/24 dev l1 && ip -n b address replace 10.0.0.1/25 dev l2"},

		{state.AddPrefixRoute{AddressID: address("a", "l1", "10.0.0.1/24")}, "ip -n a route prepend 10.0.0.0/24 dev l1 proto kernel scope link src 10.0.0.1"},
		{state.AddPrefixRoute{AddressID: address("a", "l1", "fd00::1/64")}, "ip -n a route prepend fd00::/64 dev l1 proto kernel metric 256"},

		{state.ReplaceNeighbour{NeighbourID: neighbour("a", "l1", "10.0.0.2"), StaticNeighbour: state.StaticNeighbour{MAC: state.MAC{2, 0, 0, 0, 0, 2}, Protocol: state.RouteProtocol}},
			"ip -n a neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev l1 nud permanent protocol 78"},
		{state.ReplaceNeighbour{NeighbourID: neighbour("a", "l1", "fe80::2"), StaticNeighbour: state.StaticNeighbour{MAC: state.MAC{2, 0, 0, 0, 0, 2}, Protocol: state.RouteProtocol}},
			"ip -n a neigh replace fe80::2 lladdr 02:00:00:00:00:02 dev l1 nud permanent protocol 78"},
		{state.DeleteNeighbour{NeighbourID: neighbour("a", "l1", "10.0.0.2")}, "ip -n a neigh delete 10.0.0.2 dev l1"},

		{route("a", "0.0.0.0/0", "", "l1 10.0.0.2"), "ip -n a route replace default via 10.0.0.2 dev l1 proto 78"},
		{route("a", "0.0.0.0/0", "", "l1 fe80::2"), "ip -n a route replace 0.0.0.0/0 via inet6 fe80::2 dev l1 proto 78"},
		{route("a", "::/0", "", "l1 fe80::2"), "ip -n a route replace ::/0 via fe80::2 dev l1 proto 78"},
		{route("a", "10.9.0.0/16", "", "l1"), "ip -n a route replace 10.9.0.0/16 dev l1 proto 78"},
		{route("a", "fd09::/64", "", "l1"), "ip -n a route replace fd09::/64 dev l1 proto 78"},
		{metric(route("a", "10.9.0.0/16", "10.255.0.1", "l1 10.0.0.2"), 10), "ip -n a route replace 10.9.0.0/16 via 10.0.0.2 dev l1 proto 78 src 10.255.0.1 metric 10"},
		{metric(route("a", "fd09::/64", "fd00::1", "l1 fe80::2"), 10), "ip -n a route replace fd09::/64 via fe80::2 dev l1 proto 78 src fd00::1 metric 10"},
		{weight(route("a", "10.9.0.0/16", "10.255.0.1", "l1 10.0.0.2", "l2 fe80::2"), 2),
			"ip -n a route replace 10.9.0.0/16 proto 78 src 10.255.0.1 nexthop via 10.0.0.2 dev l1 weight 2 nexthop via inet6 fe80::2 dev l2 weight 1"},
		{metric(route("a", "fd09::/64", "", "l1 fe80::2", "l2 fd02::2"), 5),
			"ip -n a route replace fd09::/64 proto 78 metric 5 nexthop via fe80::2 dev l1 weight 1 nexthop via fd02::2 dev l2 weight 1"},
		{discard("a", "10.66.0.0/16", state.Blackhole), "ip -n a route replace blackhole 10.66.0.0/16 proto 78"},
		{discard("a", "fd66::/64", state.Unreachable), "ip -n a route replace unreachable fd66::/64 proto 78"},
		{discard("a", "::/0", state.Prohibit), "ip -n a route replace prohibit ::/0 proto 78"},

		{remove(route("a", "0.0.0.0/0", ""), 78), "ip -n a route delete default proto 78"},
		{remove(metric(route("a", "10.9.0.0/16", ""), 10), 4), "ip -n a route delete 10.9.0.0/16 proto 4 metric 10"},
		{remove(route("a", "::/0", ""), 78), "ip -n a route delete ::/0 proto 78 metric 1024"},
		{remove(metric(route("a", "fd09::/64", ""), 5), 78), "ip -n a route delete fd09::/64 proto 78 metric 5"},
	} {
		if got := c.op.String(); got != c.text {
			t.Errorf("%#v\n reads %s\n  want %s", c.op, got, c.text)
		}
	}
}

func TestOperationsNameTheNamespacesTheyWriteTo(t *testing.T) {
	for _, c := range []struct {
		op    state.Op
		names []string
	}{
		{state.CreateNamespace{Name: "a"}, []string{"a"}},
		{state.DeleteNamespace{Name: "a"}, []string{"a"}},
		{state.AddSymlink{Name: "a"}, []string{"a"}},
		{state.DeleteSymlink{Name: "a"}, []string{"a"}},
		{sysctl("a", "net.ipv4.ip_forward", "1"), []string{"a"}},
		{pair(end("a", "l1"), end("b", "l1"), 1), []string{"a", "b"}},
		{state.SetAdmin{LinkID: end("a", "l1")}, []string{"a"}},
		{state.DeleteAddress{AddressID: address("a", "l1", "10.0.0.1/24")}, []string{"a"}},
		{state.MoveAddress{From: address("a", "l1", "10.0.0.1/24"), To: address("b", "l1", "10.0.0.1/24")}, []string{"a", "b"}},
		{state.DeleteRoute{RouteID: state.RouteID{Namespace: "a", RouteKey: state.RouteKey{Prefix: netip.MustParsePrefix("10.0.0.0/8")}}}, []string{"a"}},
	} {
		if got := c.op.Namespaces(); !slices.Equal(got, c.names) {
			t.Errorf("%s names %v, want %v", c.op, got, c.names)
		}
	}
}

// An operation is a type with a method apply. everyOp lists them all.
func TestEveryOperationIsListed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared, listed []string
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "apply" {
				declared = append(declared, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	for _, op := range everyOp {
		listed = append(listed, reflect.TypeOf(op).Name())
	}
	slices.Sort(declared)
	slices.Sort(listed)
	if !slices.Equal(declared, listed) {
		t.Errorf("declared are\n%q\nand listed\n%q", declared, listed)
	}
}
