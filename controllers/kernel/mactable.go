// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// MACTable is what the bridges of a namespace have learned: which Ethernet address was last seen
// behind which port. Addresses of their own are left out.
func (k *Kernel) MACTable(_ context.Context, namespace string) ([]state.MACEntry, error) {
	var entries []state.MACEntry
	err := k.withSession(func(s *session) error {
		h, err := s.enter(namespace)
		if err != nil {
			return err
		}
		entries, err = h.conn.macTable()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the MAC table of %s: %w", namespace, err)
	}
	slices.SortFunc(entries, state.MACEntry.Compare)
	return entries, nil
}

// ForgetMACs deletes what the bridges of network namespaces have learned, and nothing static. A namespace that is
// gone has no bridges.
func (k *Kernel) ForgetMACs(ctx context.Context, namespaces []string) error {
	err := k.eachNamespace(namespaces, func(h *handle) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return h.conn.forgetMACs()
	})
	if err != nil {
		return fmt.Errorf("delete learned MAC entries: %w", err)
	}
	return nil
}

func (c *conn) forgetMACs() error {
	links, err := c.links()
	if err != nil {
		return err
	}
	for _, l := range links {
		if l.kind != "bridge" || l.group != state.LinkGroup {
			continue
		}
		header := nl.NewIfInfomsg(unix.AF_UNSPEC)
		header.Index = int32(l.index)
		if err := c.Send(unix.RTM_NEWLINK, 0, header, kindData("bridge")(unix.IFLA_BR_FDB_FLUSH, nil)); err != nil && !rtnl.IsGone(err) {
			return err
		}
	}
	return nil
}

func (c *conn) macTable() ([]state.MACEntry, error) {
	links, err := c.links()
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	for _, l := range links {
		names[l.index] = l.name
	}
	var entries []state.MACEntry
	err = c.Get(unix.RTM_GETNEIGH, unix.NLM_F_DUMP, func(msg []byte) error {
		if len(msg) < unix.SizeofNdMsg {
			return errors.New("truncated neighbour or MAC entry")
		}
		entry, learned, err := parseMACEntry(msg, names)
		if learned {
			entries = append(entries, entry)
		}
		return err
	}, &ndMsg{Family: unix.AF_BRIDGE})
	return entries, err
}

// parseMACEntry reports whether it is about what a port has learned.
func parseMACEntry(msg []byte, names map[int]string) (entry state.MACEntry, learned bool, err error) {
	index, state := int(int32(binary.NativeEndian.Uint32(msg[4:]))), binary.NativeEndian.Uint16(msg[8:]) // of struct ndmsg
	entry.Port = names[index]
	err = rtnl.Attributes(msg[unix.SizeofNdMsg:], func(kind uint16, value []byte) error {
		switch kind {
		case unix.NDA_LLADDR:
			copy(entry.MAC[:], value)
		case unix.NDA_VLAN:
			entry.VLAN = rtnl.Uint16(value)
		case unix.NDA_MASTER:
			learned = state&unix.NUD_PERMANENT == 0
		}
		return nil
	})
	return entry, learned && entry.Port != "", err
}
