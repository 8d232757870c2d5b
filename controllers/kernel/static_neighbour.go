// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// ndaProtocol is NDA_PROTOCOL of linux/neighbour.h: who made an entry, as a route's protocol says.
const ndaProtocol = 12

// maxSingleReads is how many entries of a namespace are asked for one by one. A list goes through the entries of all
// namespaces of the machine.
const maxSingleReads = 64

// rawNeighbour is a neighbour entry as a namespace's kernel describes it.
type rawNeighbour struct {
	neighbour
	header   unix.NdMsg
	mac      state.MAC
	protocol uint8
}

// static reports whether an entry is one that a State can hold.
func (n rawNeighbour) static() bool {
	return n.header.State&unix.NUD_PERMANENT != 0 && n.address.IsValid() && n.mac != (state.MAC{})
}

func (n rawNeighbour) row() state.StaticNeighbour {
	return state.StaticNeighbour{MAC: n.mac, Protocol: n.protocol}
}

func parseRawNeighbour(msg []byte) (n rawNeighbour, err error) {
	size, err := binary.Decode(msg, binary.NativeEndian, &n.header)
	if err != nil {
		return rawNeighbour{}, fmt.Errorf("truncated neighbour message: %w", err)
	}
	n.index = n.header.Ifindex
	return n, rtnl.Attributes(msg[size:], func(kind uint16, value []byte) error {
		switch kind {
		case unix.NDA_DST:
			n.address = rtnl.Addr(value)
		case unix.NDA_LLADDR:
			copy(n.mac[:], value)
		case ndaProtocol:
			n.protocol = value[0]
		}
		return nil
	})
}

// staticNeighbours lists the permanent entries of a namespace.
func (c *conn) staticNeighbours() (all []rawNeighbour, err error) {
	err = c.Get(unix.RTM_GETNEIGH, unix.NLM_F_DUMP, func(msg []byte) error {
		n, err := parseRawNeighbour(msg)
		if err == nil && n.static() {
			all = append(all, n)
		}
		return err
	}, &ndMsg{})
	return all, err
}

// readNeighbours reads the entries that NetLab wrote and those that it should write. It lists all only where it
// does not know which it wrote, or where they are many.
func (snap *snapshot) readNeighbours(wanted map[state.NeighbourKey]state.StaticNeighbour) (err error) {
	h := snap.handle
	known, ok := h.neighbours.of(h)
	indexes := map[string]int32{}
	for index, name := range snap.names {
		indexes[name] = int32(index)
	}
	asked := make(map[neighbour]bool, len(known)+len(wanted))
	for n := range known {
		asked[n] = true
	}
	for key := range wanted {
		if index, there := indexes[key.Link]; there {
			asked[neighbour{index, key.Address}] = true
		}
	}
	if ok && len(asked) <= maxSingleReads {
		return snap.readEach(asked)
	}
	if snap.neighbours, err = h.conn.staticNeighbours(); err != nil {
		return fmt.Errorf("list neighbour entries: %w", err)
	}
	h.neighbours.learn(h, snap.neighbours)
	return nil
}

func (snap *snapshot) readEach(asked map[neighbour]bool) error {
	for n := range asked {
		found, there, err := snap.handle.conn.neighbour(n)
		switch {
		case err != nil && !rtnl.IsGone(err):
			return fmt.Errorf("read neighbour entry %s: %w", n.address, err)
		case there && found.static():
			snap.neighbours = append(snap.neighbours, found)
		}
	}
	return nil
}

// addNeighbours takes the permanent entries with our protocol, and any other permanent one in the place of a wanted
// one: there is one entry for an address of a link.
func (o *observer) addNeighbours(snap *snapshot) {
	for _, n := range snap.neighbours {
		key := state.NeighbourKey{Link: snap.names[int(n.index)], Address: n.address}
		_, wanted := o.want[snap.handle.name].Neighbours[key]
		if snap.ours[int(n.index)] && (wanted || n.protocol == state.RouteProtocol) {
			snap.rows.Neighbours[key] = n.row()
		}
	}
}

func (s *session) replaceNeighbour(op state.ReplaceNeighbour) error {
	h, index, err := s.find(state.LinkID{Namespace: op.Namespace, Name: op.Link})
	if err != nil {
		return err
	}
	n := neighbour{int32(index), op.Address}
	request := n.header()
	request.State = unix.NUD_PERMANENT
	h.neighbours.add(h, n)
	err = h.conn.Send(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, request,
		nl.NewRtAttr(unix.NDA_DST, op.Address.AsSlice()), nl.NewRtAttr(unix.NDA_LLADDR, op.MAC[:]), nl.NewRtAttr(ndaProtocol, []byte{op.Protocol}))
	if op.Address.Is6() && errors.Is(err, unix.EOPNOTSUPP) {
		return featureMissing("IPv6", err)
	}
	return err
}

func (s *session) deleteNeighbour(op state.DeleteNeighbour) error {
	h, index, err := s.find(state.LinkID{Namespace: op.Namespace, Name: op.Link})
	if err != nil {
		return ignoreGone(err)
	}
	n := neighbour{int32(index), op.Address}
	if err := ignoreGone(h.conn.deleteNeighbour(n)); err != nil {
		return err
	}
	h.neighbours.remove(h, n)
	return nil
}

// neighbourCache remembers which permanent entries this process wrote in each namespace, or found there at its first
// look. Without it, every look at a namespace would have to list them, and the kernel goes through the entries of the
// whole machine for that. One that another program deleted stays among them: asking for it costs little.
type neighbourCache struct {
	mu     sync.Mutex
	spaces map[string]knownNeighbours
}

func newNeighbourCache() *neighbourCache {
	return &neighbourCache{spaces: map[string]knownNeighbours{}}
}

type knownNeighbours struct {
	// cookie identifies the network namespace that had the name.
	cookie  uint64
	entries map[neighbour]bool
}

// of returns the entries of an open namespace. Before Linux 5.14 a namespace cannot be told from one that had its name
// before, and nothing is known.
func (c *neighbourCache) of(h *handle) (entries map[neighbour]bool, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.spaces[h.name]
	if !ok || known.cookie != h.cookie || h.cookie == 0 {
		return nil, false
	}
	entries = make(map[neighbour]bool, len(known.entries))
	for n := range known.entries {
		entries[n] = true
	}
	return entries, true
}

func (c *neighbourCache) learn(h *handle, all []rawNeighbour) {
	entries := map[neighbour]bool{}
	for _, n := range all {
		if n.protocol == state.RouteProtocol {
			entries[n.neighbour] = true
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spaces[h.name] = knownNeighbours{h.cookie, entries}
}

// add comes before the entry is written. What is not known of a namespace yet will be listed.
func (c *neighbourCache) add(h *handle, n neighbour) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.spaces[h.name]; ok && known.cookie == h.cookie {
		known.entries[n] = true
	}
}

// remove comes after the entry is deleted.
func (c *neighbourCache) remove(h *handle, n neighbour) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.spaces[h.name].entries, n)
}

func (c *neighbourCache) forget(namespace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.spaces, namespace)
}

// count is the number of known entries of IPv4, or of IPv6.
func (c *neighbourCache) count(ipv4 bool) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.spaces {
		for entry := range known.entries {
			if entry.address.Is4() == ipv4 {
				n++
			}
		}
	}
	return n
}

// unknown are the namespaces of which nothing is known.
func (c *neighbourCache) unknown(names []string) (unknown []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		if _, known := c.spaces[name]; !known && checkName(name) == nil {
			unknown = append(unknown, name)
		}
	}
	return unknown
}
