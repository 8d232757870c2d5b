// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Policy lists a namespace's policy rules and, if one is not the kernel's own or one of these is missing, the
// routes of all tables: without such a rule a lookup depends on the main table alone.
func (k *Kernel) Policy(_ context.Context, namespace string) (state.Policy, error) {
	var p state.Policy
	err := k.withSession(func(s *session) error {
		h, err := s.enter(namespace)
		if err != nil {
			return err
		}
		p.Rules, err = h.policyRules()
		if err == nil && slices.ContainsFunc(p.Rules, func(r state.Unmanaged) bool { return r.What != "" }) {
			p.Routes, err = h.tableRoutes()
		}
		return err
	})
	if err != nil {
		return state.Policy{}, fmt.Errorf("list policy rules and routes of %s: %w", namespace, err)
	}
	return p, nil
}

// tableRoutes are the routes of all tables, with names of links.
func (h *handle) tableRoutes() ([]state.TableRoute, error) {
	links, err := h.conn.links()
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	for _, l := range links {
		names[l.index] = l.name
	}
	var all []state.TableRoute
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		err := h.conn.Get(unix.RTM_GETROUTE, unix.NLM_F_DUMP, func(msg []byte) error {
			route, usable, err := parseTableRoute(msg, names)
			if usable {
				all = append(all, route)
			}
			return err
		}, &nl.RtMsg{RtMsg: unix.RtMsg{Family: family}})
		if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EOPNOTSUPP) {
			return nil, fmt.Errorf("list routes: %w", err)
		}
	}
	return all, nil
}

// tableVerdicts are what types of routes make of packets. Multicast ones of IPv6 are for neighbour solicitations; no
// ping is to their prefixes.
var tableVerdicts = map[uint8]state.ForwardingVerdict{
	unix.RTN_UNICAST:     state.Forward,
	unix.RTN_LOCAL:       state.DeliverLocally,
	unix.RTN_ANYCAST:     state.DeliverLocally,
	unix.RTN_BROADCAST:   state.DeliverLocally,
	unix.RTN_BLACKHOLE:   state.Discarded,
	unix.RTN_UNREACHABLE: state.NotForwarded,
	unix.RTN_PROHIBIT:    state.Prohibited,
	unix.RTN_THROW:       state.NoRoute,
}

// parseTableRoute reads a route of any table. A route that is only for some TOS is for no ping.
func parseTableRoute(msg []byte, names map[int]string) (route state.TableRoute, usable bool, err error) {
	header, err := routeHeaderOf(msg)
	if err != nil {
		return route, false, err
	}
	raw, err := parseRoute(msg)
	if err != nil {
		return route, false, err
	}
	verdict, known := tableVerdicts[header.Type]
	if header.Type == unix.RTN_MULTICAST && raw.prefix.Addr().Is6() && raw.prefix.Addr().IsMulticast() {
		verdict, known = state.DeliverLocally, true
	}
	route = state.TableRoute{
		Table: uint32(header.Table), Prefix: raw.prefix, Metric: raw.metric,
		Verdict: verdict, Throws: raw.throws, Source: raw.source,
	}
	var dead bool
	err = rtnl.Attributes(msg[unix.SizeofRtMsg:], func(kind uint16, value []byte) error {
		switch kind {
		case unix.RTA_TABLE:
			route.Table = rtnl.Uint32(value)
		case unix.RTA_SRC:
			route.From = netip.PrefixFrom(rtnl.Addr(value), int(header.Src_len))
		case unix.RTA_METRICS, unix.RTA_ENCAP:
			route.Attributes += string(bytes.Clone(value))
		}
		return nil
	})
	dead = header.Flags&unix.RTNH_F_DEAD != 0
	for _, hop := range raw.nextHops {
		if !dead && !hop.dead {
			route.Hops = append(route.Hops, state.NextHop{Link: names[hop.index], Via: hop.via, Weight: hop.weight})
		}
	}
	return route, known && header.Tos == 0 && header.Flags&unix.RTM_F_CLONED == 0, err
}
