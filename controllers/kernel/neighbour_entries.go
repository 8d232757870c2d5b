// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// neighbour is an entry of a namespace's neighbour tables.
type neighbour struct {
	index   int32
	address netip.Addr
}

// RememberNeighbours notes which neighbours namespaces have. Forget deletes those that came
// since and are not permanent, so that whoever asked many nodes leaves room in the tables, which
// all namespaces of the machine share. A namespace that is gone by then had its entries deleted
// with it.
func (k *Kernel) RememberNeighbours(namespaces []string) (forget func() error, err error) {
	before := map[string]map[neighbour]bool{}
	err = k.eachNamespace(namespaces, func(h *handle) error {
		before[h.name], err = h.conn.neighbours()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list neighbour entries: %w", err)
	}
	return func() error {
		err := k.eachNamespace(namespaces, func(h *handle) error {
			if isThere, known := before[h.name]; known {
				return h.conn.forget(func(n neighbour) bool { return !isThere[n] })
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("delete new neighbour entries: %w", err)
		}
		return nil
	}, nil
}

// updateNeighbours makes entries that are there say what they should. A link or namespace that is gone had its
// entries deleted with it.
func (s *session) updateNeighbours(list []state.Neighbour) error {
	for _, n := range list {
		h, index, err := s.find(n.LinkID)
		if err == nil {
			err = h.conn.updateNeighbour(int32(index), n)
		}
		if err != nil && !rtnl.IsGone(err) && !changedMeanwhile(err) {
			return fmt.Errorf("update neighbour %s of %s in %s: %w", n.Address, n.Name, n.Namespace, err)
		}
	}
	return nil
}

// Neighbours lists the entries of a namespace's neighbour tables by which it sends frames, and the addresses for
// which it answers as a proxy (ip neighbour add proxy).
func (k *Kernel) Neighbours(_ context.Context, namespace string) ([]state.NeighbourEntry, error) {
	var found []state.NeighbourEntry
	err := k.withSession(func(s *session) error {
		h, err := s.enter(namespace)
		if err != nil {
			return err
		}
		found, err = h.neighbourEntries()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list neighbour entries of %s: %w", namespace, err)
	}
	return found, nil
}

// isUsed are the states in which an entry's MAC address is used (NUD_VALID).
const isUsed = unix.NUD_PERMANENT | unix.NUD_NOARP | unix.NUD_REACHABLE | unix.NUD_PROBE | unix.NUD_STALE | unix.NUD_DELAY

func (h *handle) neighbourEntries() (found []state.NeighbourEntry, err error) {
	links, err := h.conn.links()
	if err != nil {
		return nil, err
	}
	in := interferer{handle: h, links: map[int]rawLink{}}
	for _, l := range links {
		in.links[l.index] = l
	}
	err = in.entries(&ndMsg{Family: unix.AF_UNSPEC}, func(e entry) {
		isPermanent := e.state&(unix.NUD_PERMANENT|unix.NUD_NOARP) != 0
		if e.state&isUsed != 0 && e.address.IsValid() && (isPermanent || e.mac != (state.MAC{})) { // of zeros, if it was made so
			found = append(found, state.NeighbourEntry{Link: e.link.name, Address: e.address, MAC: e.mac, Permanent: isPermanent})
		}
	})
	if err != nil {
		return nil, err
	}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} { // without a family, the kernel lists no proxies
		err = in.entries(&ndMsg{Family: family, Flags: unix.NTF_PROXY}, func(e entry) {
			if e.address.IsValid() {
				found = append(found, state.NeighbourEntry{Link: e.link.name, Address: e.address, Proxy: true})
			}
		})
		if err != nil && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EOPNOTSUPP) {
			return nil, err
		}
	}
	return found, nil
}

// updateNeighbour updates an entry in place, if there is one: the kernel then sends the packets that wait in it, and
// would drop them if it were deleted. A permanent entry is updated if it is ours and names the MAC that was.
func (c *conn) updateNeighbour(index int32, n state.Neighbour) error {
	found, there, err := c.neighbour(neighbour{index, n.Address})
	if err != nil || !there || found.mac == n.MAC && found.header.State&isUsed != 0 {
		return err
	}
	request := found.neighbour.header()
	request.State, request.Flags = unix.NUD_STALE, found.header.Flags&unix.NTF_ROUTER
	if permanent(found.header) {
		if !found.static() || found.protocol != state.RouteProtocol || found.mac != n.Was {
			return nil
		}
		request.State = unix.NUD_PERMANENT
	}
	return c.Send(unix.RTM_NEWNEIGH, unix.NLM_F_REPLACE, request, nl.NewRtAttr(unix.NDA_DST, n.Address.AsSlice()), nl.NewRtAttr(unix.NDA_LLADDR, n.MAC[:]))
}

// neighbour returns an entry if there is one. Before Linux 5.0 one cannot be asked for by itself.
func (c *conn) neighbour(n neighbour) (found rawNeighbour, there bool, err error) {
	read := func(msg []byte) error {
		entry, err := parseRawNeighbour(msg)
		if err == nil && entry.neighbour == n {
			found, there = entry, true
		}
		return err
	}
	err = c.Get(unix.RTM_GETNEIGH, 0, read, n.header(), nl.NewRtAttr(unix.NDA_DST, n.address.AsSlice()))
	if errors.Is(err, unix.EOPNOTSUPP) {
		err = c.Get(unix.RTM_GETNEIGH, unix.NLM_F_DUMP, read, &ndMsg{})
	}
	if errors.Is(err, unix.ENOENT) {
		return rawNeighbour{}, false, nil
	}
	return found, there, err
}

func (n neighbour) header() *ndMsg {
	return &ndMsg{Family: uint8(family(n.address)), Ifindex: n.index}
}

// eachNamespace goes through namespaces, with one open at a time. One that is not there is passed over.
func (k *Kernel) eachNamespace(namespaces []string, do func(*handle) error) error {
	return k.withSession(func(s *session) error {
		for _, name := range namespaces {
			h, err := s.enter(name)
			if err == nil {
				err = do(h)
			} else if changedMeanwhile(err) {
				continue
			}
			if err := errors.Join(err, s.close(name)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
}

// forget deletes some of the neighbours.
func (c *conn) forget(which func(neighbour) bool) error {
	now, err := c.neighbours()
	if err != nil {
		return err
	}
	for n := range now {
		if !which(n) {
			continue
		}
		if err := c.deleteNeighbour(n); err != nil && !rtnl.IsGone(err) {
			return fmt.Errorf("delete neighbour %s: %w", n.address, err)
		}
	}
	return nil
}

// neighbours are the entries that the kernel made and may remove by itself.
func (c *conn) neighbours() (map[neighbour]bool, error) {
	found := map[neighbour]bool{}
	err := c.Get(unix.RTM_GETNEIGH, unix.NLM_F_DUMP, func(msg []byte) error {
		if n, temporary := parseNeighbour(msg); temporary {
			found[n] = true
		}
		return nil
	}, &ndMsg{})
	if err != nil {
		return nil, fmt.Errorf("list neighbours: %w", err)
	}
	return found, nil
}

func parseNeighbour(msg []byte) (n neighbour, temporary bool) {
	var header unix.NdMsg
	size, err := binary.Decode(msg, binary.NativeEndian, &header)
	if err != nil {
		return neighbour{}, false
	}
	n.index = header.Ifindex
	err = rtnl.Attributes(msg[size:], func(kind uint16, value []byte) error {
		if kind == unix.NDA_DST {
			n.address = rtnl.Addr(value)
		}
		return nil
	})
	return n, err == nil && n.address.IsValid() && !permanent(header)
}

// permanent reports an entry that the kernel does not remove by itself. NUD_NOARP entries are permanent
// except those of multicast addresses, which the kernel makes when it looks for an IPv6 neighbour.
func permanent(header unix.NdMsg) bool {
	switch {
	case header.State&unix.NUD_PERMANENT != 0:
		return true
	case header.State&unix.NUD_NOARP != 0:
		return header.Type != unix.RTN_MULTICAST
	}
	return false
}

func (c *conn) deleteNeighbour(n neighbour) error {
	return c.Send(unix.RTM_DELNEIGH, 0, n.header(), nl.NewRtAttr(unix.NDA_DST, n.address.AsSlice()))
}

// ndMsg is struct ndmsg as part of a request.
type ndMsg unix.NdMsg

func (m *ndMsg) Len() int { return unix.SizeofNdMsg }

func (m *ndMsg) Serialize() []byte {
	encoded, _ := binary.Append(nil, binary.NativeEndian, m) // all its fields have a fixed size
	return encoded
}

var _ nl.NetlinkRequestData = (*ndMsg)(nil)
