// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Unmanaged lists the objects in a namespace that NetLab did not create and that can decide about packets. It is asked
// only about packets that get lost: Observe leaves it out, since each kind is a request of its own.
func (k *Kernel) Unmanaged(_ context.Context, namespace string) ([]state.Unmanaged, error) {
	var found []state.Unmanaged
	err := k.withSession(func(s *session) error {
		h, err := s.enter(namespace)
		if err != nil {
			return err
		}
		found, err = h.interferences()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list unmanaged objects in %s: %w", namespace, err)
	}
	return found, nil
}

// interferences must not outlive the thread's stay in the namespace.
func (h *handle) interferences() ([]state.Unmanaged, error) {
	links, err := h.conn.links()
	if err != nil {
		return nil, err
	}
	in := interferer{handle: h, links: map[int]rawLink{}}
	for _, l := range links {
		in.links[l.index] = l
		if l.xdp {
			in.found = append(in.found, state.Unmanaged{
				What: "an XDP program on " + l.name,
				Look: fmt.Sprintf("ip -n %s link show %s", h.name, l.name),
				Undo: fmt.Sprintf("ip -n %s link set dev %s xdp off", h.name, l.name), Frames: true,
			})
		}
	}
	for _, look := range []func() error{in.rules, in.routes, in.localRoutes, in.settings, in.neighbours, in.macEntries, in.groups, in.ingress, in.packetFilters, in.ipsec} {
		if err := look(); err != nil {
			return nil, err
		}
	}
	return in.found, nil
}

// interferer collects what it finds.
type interferer struct {
	handle *handle
	links  map[int]rawLink
	found  []state.Unmanaged
}

func (in *interferer) add(what, look string, args ...any) {
	in.found = append(in.found, state.Unmanaged{What: what, Look: fmt.Sprintf(look, args...)})
}

// routes finds those of others in the main table.
func (in *interferer) routes() error {
	routes, _, err := in.handle.conn.routes()
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	for _, r := range routes {
		if slices.Contains([]uint8{state.RouteProtocol, unix.RTPROT_KERNEL, protocolRA}, r.protocol) {
			continue
		}
		kind := cmp.Or(r.kind.String(), "unicast")
		switch {
		case r.throws:
			kind = "throw"
		case r.kind == state.OtherType:
			continue
		}
		what := "an unmanaged route"
		if r.encapsulates {
			what += " with an encapsulation"
		}
		in.found = append(in.found, state.Unmanaged{
			What:  fmt.Sprintf("%s, %s %s", what, kind, r.prefix),
			Look:  fmt.Sprintf("ip -n %s route show type %s exact %s", in.handle.name, kind, r.prefix),
			Undo:  fmt.Sprintf("ip -n %s route delete %s", in.handle.name, r.selector(kind)),
			Route: state.UnmanagedRoute{Type: kind, Prefix: r.prefix, Metric: r.metric, Encapsulates: r.encapsulates},
		})
	}
	return nil
}

// selector names a route to ip route delete. IPv6 does not compare types; IPv4 compares that of the route, which is
// unicast even if its next hop object is a blackhole.
func (r rawRoute) selector(kind string) string {
	text := fmt.Sprintf("%s %s proto %d", kind, r.prefix, r.protocol)
	if r.object {
		text = fmt.Sprintf("%s proto %d", r.prefix, r.protocol)
	}
	if usual := r.prefix.Addr().Is6() && r.metric == state.DefaultIPv6Metric; r.metric != 0 && !usual {
		text += fmt.Sprintf(" metric %d", r.metric)
	}
	return text
}

// settings finds those that no lab has a row for and that decide what a node answers.
func (in *interferer) settings() error {
	paths := []string{"ipv6/icmp/echo_ignore_all"}
	for _, scope := range append([]string{"all"}, in.linkNames()...) {
		paths = append(paths, "ipv4/conf/"+scope+"/arp_filter", "ipv4/conf/"+scope+"/proxy_arp_pvlan", "ipv6/conf/"+scope+"/proxy_ndp")
	}
	for _, path := range paths {
		number, err := in.handle.readSetting(path)
		switch {
		case errors.Is(err, unix.ENOENT) || err == nil && number == 0: // not there without the family, or before Linux 4.17
			continue
		case err != nil:
			return err
		}
		name := "net." + strings.ReplaceAll(path, "/", ".")
		in.found = append(in.found, state.Unmanaged{
			What:    fmt.Sprintf("%s %d", name, number),
			Look:    fmt.Sprintf("ip netns exec %s sysctl %s", in.handle.name, name),
			Undo:    fmt.Sprintf("ip netns exec %s sysctl -qw %s=0", in.handle.name, state.SysctlName(path)),
			Setting: state.UnmanagedSetting{Name: name, Value: strconv.Itoa(number)},
		})
	}
	return nil
}

// neighbours finds entries that others made to stay. The kernel makes those that are for nobody in particular.
func (in *interferer) neighbours() error {
	return in.entries(&ndMsg{Family: unix.AF_UNSPEC}, func(e entry) {
		if e.state&unix.NUD_PERMANENT == 0 || !e.address.IsValid() || e.mac == (state.MAC{}) || e.protocol == state.RouteProtocol {
			return
		}
		in.found = append(in.found, state.Unmanaged{
			What:      fmt.Sprintf("a permanent neighbour entry, %s is %s on %s", e.address, e.mac, e.link.name),
			Look:      fmt.Sprintf("ip -n %s neighbour show dev %s nud permanent", in.handle.name, e.link.name),
			Undo:      fmt.Sprintf("ip -n %s neighbour delete %s dev %s", in.handle.name, e.address, e.link.name),
			Neighbour: state.NeighbourEntry{Link: e.link.name, Address: e.address, MAC: e.mac, Permanent: true},
		})
	})
}

// macEntries finds those of bridges. The kernel itself keeps the addresses of the bridge and its ports.
func (in *interferer) macEntries() error {
	return in.entries(&ndMsg{Family: unix.AF_BRIDGE}, func(e entry) {
		own := slices.ContainsFunc(in.linkList(), func(l rawLink) bool { return l.mac == e.mac })
		isGroup := e.mac[0]&1 != 0
		if !e.ofBridge || e.state&(unix.NUD_PERMANENT|unix.NUD_NOARP) == 0 || own || isGroup {
			return
		}
		in.found = append(in.found, state.Unmanaged{
			What:     fmt.Sprintf("a static MAC entry, %s is at %s", e.mac, e.link.name),
			Look:     fmt.Sprintf("bridge -n %s fdb show dev %s", in.handle.name, e.link.name),
			Undo:     fmt.Sprintf("bridge -n %s fdb delete %s dev %s master%s", in.handle.name, e.mac, e.link.name, vlanWords(e.vlan)),
			MACEntry: state.MACEntry{MAC: e.mac, VLAN: e.vlan, Port: e.link.name},
		})
	})
}

func vlanWords(vlan uint16) string {
	if vlan == 0 {
		return ""
	}
	return fmt.Sprintf(" vlan %d", vlan)
}

func (in *interferer) linkNames() (names []string) {
	for _, l := range in.linkList() {
		names = append(names, l.name)
	}
	return names
}

func (in *interferer) linkList() []rawLink {
	return slices.SortedFunc(maps.Values(in.links), func(a, b rawLink) int { return cmp.Compare(a.index, b.index) })
}

// entry is one of a neighbour table, or of a bridge's MAC table.
type entry struct {
	link     rawLink
	state    uint16
	address  netip.Addr
	mac      state.MAC
	vlan     uint16
	ofBridge bool
	protocol uint8
}

func (in *interferer) entries(which *ndMsg, each func(entry)) error {
	return in.handle.conn.Get(unix.RTM_GETNEIGH, unix.NLM_F_DUMP, func(msg []byte) error {
		if len(msg) < unix.SizeofNdMsg {
			return errors.New("truncated neighbour or MAC entry")
		}
		index, state := int(int32(binary.NativeEndian.Uint32(msg[4:]))), binary.NativeEndian.Uint16(msg[8:]) // of struct ndmsg
		e := entry{link: in.links[index], state: state}
		err := rtnl.Attributes(msg[unix.SizeofNdMsg:], func(kind uint16, value []byte) error {
			switch kind {
			case unix.NDA_DST:
				e.address = rtnl.Addr(value)
			case unix.NDA_LLADDR:
				copy(e.mac[:], value)
			case unix.NDA_VLAN:
				e.vlan = binary.NativeEndian.Uint16(value)
			case unix.NDA_MASTER:
				e.ofBridge = true
			case ndaProtocol:
				e.protocol = value[0]
			}
			return nil
		})
		if err == nil && e.link.name != "" {
			each(e)
		}
		return err
	}, which)
}

// ingress finds links with filters of what comes in.
func (in *interferer) ingress() error {
	return in.handle.conn.Get(unix.RTM_GETQDISC, unix.NLM_F_DUMP, func(msg []byte) error {
		q, err := parseQdisc(msg)
		if name := in.links[q.index].name; err == nil && q.parent == ingressParent {
			in.add("a qdisc for filters of incoming packets on "+name, "tc -n %s filter show dev %s ingress", in.handle.name, name)
			in.found[len(in.found)-1].Frames = true
		}
		return err
	}, &nl.TcMsg{Family: unix.AF_UNSPEC})
}
