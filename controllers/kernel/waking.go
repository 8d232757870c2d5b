// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// waking is what a session has set up or added. The kernel lets it carry packets a moment later: the end of a pair
// that was set up first drops what is sent until a worker of the kernel has seen its carrier, and an IPv6 address
// answers no one until another has run, with duplicate address detection or without.
type waking struct {
	// made are namespaces that the session made: no packet goes through them yet.
	made      map[string]bool
	links     []state.LinkID
	addresses []state.AddressID
}

// wakingTime bounds the wait. The workers need the RTNL, for which they waited more than 10 s on a busy machine. What takes
// longer is not going to carry packets by itself.
const wakingTime = time.Minute

// note remembers what an operation made. An address changes the ways of packets when it comes, so it is waited for
// where there are any.
func (s *session) note(ctx context.Context, op state.Op) error {
	switch op := op.(type) {
	case state.CreateNamespace:
		if s.waking.made == nil {
			s.waking.made = map[string]bool{}
		}
		s.waking.made[op.Name] = true
	case state.SetAdmin:
		if op.Up {
			s.waking.links = append(s.waking.links, op.LinkID)
		}
	case state.AddAddress:
		return s.noteAddress(ctx, op, op.AddressID)
	case state.MoveAddress:
		return s.noteAddress(ctx, op, op.To)
	default: // carries packets at once, or none
	}
	return nil
}

func (s *session) noteAddress(ctx context.Context, op state.Op, id state.AddressID) error {
	if !id.Prefix.Addr().Is6() {
		return nil
	}
	s.waking.addresses = append(s.waking.addresses, id)
	return s.rouse(ctx, op)
}

// rouse waits for what is waking before an operation that leads packets there.
func (s *session) rouse(ctx context.Context, op state.Op) error {
	if len(s.waking.links)+len(s.waking.addresses) == 0 || !s.leads(op) {
		return nil
	}
	return s.await(ctx, s.awake)
}

// rouseAll waits for the addresses of namespaces that the session made: the first solicitation of a neighbour would
// go unanswered, and the second comes a second later.
func (s *session) rouseAll(ctx context.Context) error {
	return s.await(ctx, s.addressesAwake)
}

// await waits until everything that was noted carries packets, and forgets it.
func (s *session) await(ctx context.Context, awake func() bool) error {
	for end, pause := time.Now().Add(wakingTime), 20*time.Microsecond; time.Now().Before(end); pause = min(2*pause, 2*time.Millisecond) {
		if awake() {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	s.waking.links, s.waking.addresses = nil, nil
	return nil
}

// leads reports whether packets may take another way after an operation.
func (s *session) leads(op state.Op) bool {
	switch op := op.(type) {
	case state.AddAddress, state.MoveAddress, state.ReplaceRoute, state.DeleteRoute, state.DeleteNextHop, state.DeleteAddress, state.SetMTU, state.SetSysctl, state.DeleteLink,
		state.ReplaceNeighbour:
	case state.SetAdmin:
		if op.Up {
			return false
		}
	default:
		return false
	}
	for _, namespace := range op.Namespaces() {
		if s.waking.made[namespace] {
			return false
		}
	}
	return true
}

// awake reports whether everything carries packets that has a carrier. What cannot be read is not waited for.
func (s *session) awake() bool {
	s.waking.links = slices.DeleteFunc(s.waking.links, func(id state.LinkID) bool {
		flags := s.linkFlags(id)
		return flags&unix.IFF_LOWER_UP == 0 || flags&(unix.IFF_RUNNING|unix.IFF_DORMANT) != 0
	})
	return len(s.waking.links) == 0 && s.addressesAwake()
}

func (s *session) addressesAwake() bool {
	s.waking.addresses = slices.DeleteFunc(s.waking.addresses, func(id state.AddressID) bool { return !s.isWaking(id) })
	return len(s.waking.addresses) == 0
}

// isWaking reports whether the kernel has yet to join the group of an address's solicitations and make the route to it.
// On a link without a carrier an address stays so.
func (s *session) isWaking(id state.AddressID) bool {
	link := state.LinkID{Namespace: id.Namespace, Name: id.Link}
	h, index, err := s.find(link)
	if err != nil {
		return false
	}
	local, err := h.conn.isLocal6(index, id.Prefix.Addr())
	if err == nil && !local {
		local, err = h.conn.hasLocalRoute6(id.Prefix.Addr())
	}
	return err == nil && !local && s.linkFlags(link)&unix.IFF_LOWER_UP != 0
}

// linkFlags are those of struct ifinfomsg, none if they cannot be read.
func (s *session) linkFlags(id state.LinkID) (flags uint32) {
	h, index, err := s.find(id)
	if err != nil {
		return 0
	}
	request := nl.NewIfInfomsg(unix.AF_UNSPEC)
	request.Index = int32(index)
	_ = h.conn.Get(unix.RTM_GETLINK, 0, func(msg []byte) error {
		if len(msg) >= unix.SizeofIfInfomsg {
			flags = nl.DeserializeIfInfomsg(msg).Flags
		}
		return nil
	}, request)
	return flags
}

// isLocal6 reports whether what comes in on a link for an IPv6 address is for this node.
func (c *conn) isLocal6(index int, a netip.Addr) (local bool, err error) {
	header := unix.RtMsg{Family: unix.AF_INET6, Dst_len: 128}
	err = c.Get(unix.RTM_GETROUTE, 0, func(msg []byte) error {
		found, err := routeHeaderOf(msg)
		local = err == nil && found.Type == unix.RTN_LOCAL
		return err
	}, &nl.RtMsg{RtMsg: header}, nl.NewRtAttr(unix.RTA_DST, a.AsSlice()), rtnl.Uint32Attribute(unix.RTA_OIF, uint32(index)))
	if errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH) {
		err = nil
	}
	return local, err
}

// hasLocalRoute6 reports whether the table local has an address. Policy rules that somebody has changed may keep
// lookups from that table for ever.
func (c *conn) hasLocalRoute6(a netip.Addr) (has bool, err error) {
	request := &nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET6, Table: unix.RT_TABLE_LOCAL}}
	err = c.Get(unix.RTM_GETROUTE, unix.NLM_F_DUMP, func(msg []byte) error {
		found, err := routeHeaderOf(msg)
		if err != nil || found.Table != unix.RT_TABLE_LOCAL || found.Type != unix.RTN_LOCAL || found.Dst_len != 128 {
			return err
		}
		return rtnl.Attributes(msg[unix.SizeofRtMsg:], func(kind uint16, value []byte) error {
			dst, ok := netip.AddrFromSlice(value)
			has = has || kind == unix.RTA_DST && ok && dst == a
			return nil
		})
	}, request)
	return has, err
}
