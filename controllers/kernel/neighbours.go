// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
)

// Attributes of linux/neighbour.h that x/sys/unix does not name.
const (
	ndtaThresh3 = 4 // NDTA_THRESH3
	ndtaConfig  = 5 // NDTA_CONFIG

	ndtMsgSize       = 4 // struct ndtmsg
	ndtConfigEntries = 4 // offset of ndtc_entries in struct ndt_config
)

// NeighbourUse says how many entries the neighbour table of family 4 or 6 has and how many it
// may have (gc_thresh3). All namespaces of a machine share the two tables; when one is full,
// packets to new neighbours are dropped everywhere. The limit does not count permanent entries. Those of labs
// are not in used; those that others wrote are, so the table is never fuller than it says.
func (k *Kernel) NeighbourUse(family int) (used, limit int, err error) {
	domain := map[int]int{4: unix.AF_INET, 6: unix.AF_INET6}[family]
	if domain == 0 {
		return 0, 0, fmt.Errorf("read the neighbour table: %d is not an IP version", family)
	}
	table, err := readNeighbourTable(domain)
	if err != nil {
		return 0, 0, fmt.Errorf("read the IPv%d neighbour table: %w", family, err)
	}
	static := 0
	if table.entries*2 > table.limit {
		if static, err = k.staticCount(domain); err != nil {
			return 0, 0, fmt.Errorf("count the permanent entries of the IPv%d neighbour table: %w", family, err)
		}
	}
	return max(0, table.entries-static), table.limit, nil
}

// staticCount is the number of permanent entries that labs of this machine have. A namespace that this process has not
// looked at is looked at now, once.
func (k *Kernel) staticCount(domain int) (int, error) {
	names, err := k.listings.withPrefix(NamespaceDir, "")
	if err != nil {
		return 0, err
	}
	err = k.eachNamespace(k.neighbours.unknown(names), func(h *handle) error {
		all, err := h.conn.staticNeighbours()
		h.neighbours.learn(h, all)
		return err
	})
	return k.neighbours.count(domain == unix.AF_INET), err
}

// neighbourTable is what the kernel says of one table.
type neighbourTable struct {
	found          bool
	entries, limit int
}

func readNeighbourTable(domain int) (neighbourTable, error) {
	c, err := dial()
	if err != nil {
		return neighbourTable{}, err
	}
	defer c.Close()
	var table neighbourTable
	header := &ndtMsg{family: uint8(domain)}
	if err := c.Get(unix.RTM_GETNEIGHTBL, unix.NLM_F_DUMP, table.parse, header); err != nil {
		return neighbourTable{}, err
	}
	if !table.found {
		return neighbourTable{}, errors.New("the kernel has none")
	}
	return table, nil
}

// parse reads one of several messages: one is about the table, the others about links.
func (t *neighbourTable) parse(msg []byte) error {
	if len(msg) < ndtMsgSize {
		return errors.New("truncated neighbour table message")
	}
	return rtnl.Attributes(msg[ndtMsgSize:], func(kind uint16, value []byte) error {
		switch {
		case kind == ndtaThresh3:
			t.limit = int(rtnl.Uint32(value))
		case kind == ndtaConfig && len(value) >= ndtConfigEntries+4:
			t.found = true
			t.entries = int(binary.NativeEndian.Uint32(value[ndtConfigEntries:]))
		}
		return nil
	})
}

// ndtMsg is struct ndtmsg.
type ndtMsg struct{ family uint8 }

func (m *ndtMsg) Len() int          { return ndtMsgSize }
func (m *ndtMsg) Serialize() []byte { return []byte{m.family, 0, 0, 0} }

var _ nl.NetlinkRequestData = (*ndtMsg)(nil)
