// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

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

// Forget deletes entries of neighbour tables, by network namespace and address, that are not
// permanent. A namespace that is gone had its entries deleted with it.
func (k *Kernel) Forget(ctx context.Context, neighbours map[string]map[netip.Addr]bool) error {
	err := k.eachNamespace(slices.Sorted(maps.Keys(neighbours)), func(h *handle) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return h.conn.forget(func(n neighbour) bool { return neighbours[h.name][n.address] })
	})
	if err != nil {
		return fmt.Errorf("delete neighbour entries of moved addresses: %w", err)
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
		if e.state&isUsed != 0 && e.address.IsValid() && e.mac != (state.MAC{}) {
			isPermanent := e.state&(unix.NUD_PERMANENT|unix.NUD_NOARP) != 0
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
	family := uint8(unix.AF_INET)
	if n.address.Is6() {
		family = unix.AF_INET6
	}
	return c.Send(unix.RTM_DELNEIGH, 0, &ndMsg{Family: family, Ifindex: n.index}, nl.NewRtAttr(unix.NDA_DST, n.address.AsSlice()))
}

// ndMsg is struct ndmsg as part of a request.
type ndMsg unix.NdMsg

func (m *ndMsg) Len() int { return unix.SizeofNdMsg }

func (m *ndMsg) Serialize() []byte {
	encoded, _ := binary.Append(nil, binary.NativeEndian, m) // all its fields have a fixed size
	return encoded
}

var _ nl.NetlinkRequestData = (*ndMsg)(nil)
