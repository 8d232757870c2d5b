// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// localRoute is a route by which a node takes packets to a prefix for its own.
type localRoute struct {
	prefix   netip.Prefix
	table    uint32
	protocol uint8
	link     int
	// kind is as ip route writes it; empty for a route to other nodes.
	kind string
}

// localRoutes finds those of others, in any table, and addresses of links of others. The kernel's own routes have its
// protocol.
func (in *interferer) localRoutes() error {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		err := in.handle.conn.Get(unix.RTM_GETROUTE, unix.NLM_F_DUMP, func(msg []byte) error {
			r, err := parseLocalRoute(msg)
			switch {
			case err != nil || r.kind == "":
			case r.protocol != unix.RTPROT_KERNEL:
				in.addLocalRoute(r)
			default:
				in.addForeignAddress(r)
			}
			return err
		}, &nl.RtMsg{RtMsg: unix.RtMsg{Family: family}})
		if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EOPNOTSUPP) { // see routesOf
			return fmt.Errorf("list local routes: %w", err)
		}
	}
	return nil
}

// localKinds are the types of routes whose packets a node takes for its own, among others.
var localKinds = map[uint8]string{unix.RTN_LOCAL: "local", unix.RTN_BROADCAST: "broadcast", unix.RTN_MULTICAST: "multicast", unix.RTN_ANYCAST: "anycast"}

func parseLocalRoute(msg []byte) (localRoute, error) {
	header, err := routeHeaderOf(msg)
	if err != nil {
		return localRoute{}, err
	}
	kind, ok := localKinds[header.Type]
	if !ok {
		return localRoute{}, nil
	}
	r := localRoute{table: uint32(header.Table), protocol: header.Protocol, kind: kind}
	destination := netip.IPv4Unspecified()
	if header.Family == unix.AF_INET6 {
		destination = netip.IPv6Unspecified()
	}
	err = rtnl.Attributes(msg[unix.SizeofRtMsg:], func(kind uint16, value []byte) error {
		switch kind {
		case unix.RTA_DST:
			destination = rtnl.Addr(value)
		case unix.RTA_TABLE:
			r.table = rtnl.Uint32(value)
		case unix.RTA_OIF:
			r.link = int(rtnl.Uint32(value))
		}
		return nil
	})
	r.prefix = netip.PrefixFrom(destination, int(header.Dst_len))
	return r, err
}

func (in *interferer) addLocalRoute(r localRoute) {
	ip := "ip -n " + in.handle.name
	if r.prefix.Addr().Is6() {
		ip += " -6"
	}
	table := strconv.Itoa(int(r.table))
	if r.table == unix.RT_TABLE_LOCAL {
		table = "local"
	}
	route := fmt.Sprintf("%s %s dev %s table %s", r.kind, r.prefix, in.links[r.link].name, table)
	in.found = append(in.found, state.Unmanaged{
		What:  "an unmanaged route, " + route,
		Look:  fmt.Sprintf("%s route show table %s type %s", ip, table, r.kind),
		Undo:  fmt.Sprintf("%s route delete %s", ip, route),
		Route: state.UnmanagedRoute{Type: r.kind, Prefix: r.prefix},
	})
}

// addForeignAddress adds an address of a link that NetLab did not create, by the route that the kernel made with it.
func (in *interferer) addForeignAddress(r localRoute) {
	l := in.links[r.link]
	if r.kind != "local" || !r.prefix.IsSingleIP() || state.IsLinkLocal(r.prefix.Addr()) || l.name == "" || l.loopback || l.group == state.LinkGroup {
		return
	}
	show := func(verb string) string {
		return fmt.Sprintf("ip -n %s address %s dev %s to %s", in.handle.name, verb, l.name, r.prefix.Addr())
	}
	in.found = append(in.found, state.Unmanaged{
		What:  fmt.Sprintf("address %s on its interface %s, which NetLab did not create", r.prefix.Addr(), l.name),
		Look:  show("show"),
		Undo:  show("flush"),
		Route: state.UnmanagedRoute{Type: r.kind, Prefix: r.prefix},
	})
}
