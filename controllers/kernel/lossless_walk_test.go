// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// lossAfter and surelyLostAfter are how long a packet may be under way before it counts as lost: where some are
// expected to be, and where none is, so that a busy machine loses none. Nothing else depends on them.
const (
	lossAfter       = time.Second
	surelyLostAfter = 10 * time.Second
)

const walkPort = 7001

// way is a packet from a node to an address of another.
type way struct {
	from, to string
	target   netip.Addr
}

func (w way) String() string { return fmt.Sprintf("%s to %s (%s)", w.from, w.to, w.target) }

// waysOf are all ways between the nodes of a lab, to addresses that mean something everywhere. Whether an IPv6
// address answers whose link is down depends on whether the link ever was up.
func waysOf(l *lab.Lab) []way {
	var all []way
	for id := range l.Want.Addresses() {
		if link := l.Want[id.Namespace].Links[id.Link]; state.IsLinkLocal(id.Prefix.Addr()) || !link.Up {
			continue
		}
		for _, from := range l.Nodes {
			if to := state.NodeOf(id.Namespace); to != from {
				all = append(all, way{from, to, id.Prefix.Addr()})
			}
		}
	}
	slices.SortFunc(all, func(a, b way) int { return slices.Compare([]string{a.String()}, []string{b.String()}) })
	return slices.Compact(all)
}

// courier sends packets along ways and knows which arrived.
type courier struct {
	// sockets are by node and whether the family is IPv6.
	sockets map[string]map[bool]*net.UDPConn
	reading sync.WaitGroup
	// forget deletes the neighbour entries of all nodes.
	forget func() error

	mu      sync.Mutex
	round   uint32
	ways    []way
	arrived map[int]bool
	all     chan struct{}
}

// newCourier opens a socket per node and family.
func newCourier(t testing.TB, k *kernel.Kernel, id state.Identity, nodes []string) *courier {
	t.Helper()
	c := &courier{sockets: map[string]map[bool]*net.UDPConn{}}
	var namespaces []string
	for _, node := range nodes {
		namespaces = append(namespaces, id.NetworkNamespace(node))
		c.sockets[node] = map[bool]*net.UDPConn{}
		for six, network := range map[bool]string{false: "udp4", true: "udp6"} {
			conn := listenIn(t, k, id.NetworkNamespace(node), network)
			c.sockets[node][six] = conn
			c.reading.Go(func() { c.read(node, conn) })
		}
	}
	var err error
	if c.forget, err = k.RememberNeighbours(namespaces); err != nil {
		t.Fatal(err)
	}
	return c
}

func listenIn(t testing.TB, k *kernel.Kernel, namespace, network string) (conn *net.UDPConn) {
	t.Helper()
	err := k.Enter(namespace, func() (err error) {
		conn, err = net.ListenUDP(network, &net.UDPAddr{Port: walkPort})
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", namespace, err)
	}
	return conn
}

func (c *courier) close() {
	for _, families := range c.sockets {
		for _, conn := range families {
			_ = conn.Close()
		}
	}
	c.reading.Wait()
}

func (c *courier) read(node string, conn *net.UDPConn) {
	buf := make([]byte, 8)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if n == len(buf) {
			c.arrive(node, binary.BigEndian.Uint32(buf), int(binary.BigEndian.Uint32(buf[4:])))
		}
	}
}

func (c *courier) arrive(node string, round uint32, index int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if round != c.round || index >= len(c.ways) || c.ways[index].to != node || c.arrived[index] {
		return
	}
	c.arrived[index] = true
	if len(c.arrived) == len(c.ways) {
		close(c.all)
	}
}

// send sends a packet along each way and returns those along which none arrived, refused ones included. Where the
// machine itself dropped packets meanwhile, it sends those once more.
func (c *courier) send(t testing.TB, ways []way, patience time.Duration) (lost []way) {
	t.Helper()
	lost = ways
	for range 5 {
		before := backlogDrops(t)
		lost = c.sendOnce(lost, patience)
		if len(lost) == 0 || backlogDrops(t) == before {
			break
		}
	}
	return lost
}

// backlogDrops counts the packets for which there was no room in the backlog of a CPU, which all namespaces of the
// machine share: while another test has frames going in circles, it is full.
func backlogDrops(t testing.TB) (packets uint64) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/softnet_stat")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var processed, dropped uint64
		if _, err := fmt.Sscanf(line, "%x %x", &processed, &dropped); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		packets += dropped
	}
	return packets
}

func (c *courier) sendOnce(ways []way, patience time.Duration) (lost []way) {
	c.mu.Lock()
	c.round++
	c.ways, c.arrived, c.all = ways, map[int]bool{}, make(chan struct{})
	round, all := c.round, c.all
	c.mu.Unlock()
	if len(ways) == 0 {
		return nil
	}
	for i, w := range ways {
		packet := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, round), uint32(i))
		_, _ = c.sockets[w.from][w.target.Is6()].WriteToUDPAddrPort(packet, netip.AddrPortFrom(w.target, walkPort))
	}
	select {
	case <-all:
	case <-time.After(patience):
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, w := range ways {
		if !c.arrived[i] {
			lost = append(lost, w)
		}
	}
	return lost
}

// crossing is an edit of a lab of its own during which packets are sent after every operation.
type crossing struct {
	k             *kernel.Kernel
	id            state.Identity
	before, after *lab.Lab
	// costs says that packets are expected to be lost.
	costs bool
	// afterOp is what the kernel calls.
	afterOp func(state.Op)
}

func newCrossing(t testing.TB, name string) *crossing {
	t.Helper()
	id := state.Identity{Namespace: "default", Name: name, Owner: state.LocalOwner("default", name)}
	x := &crossing{id: id, afterOp: func(state.Op) {}}
	k, err := kernel.New(kernel.Options{Symlinks: true, AfterOp: func(op state.Op) { x.afterOp(op) }})
	if err != nil {
		t.Fatal(err)
	}
	x.k = k
	return x
}

// boundary is an operation after which packets were lost.
type boundary struct {
	op   string
	lost []way
}

// plan sets the two labs and returns the nodes that are in both.
func (x *crossing) plan(t testing.TB, before, after *spec) (nodes []string) {
	t.Helper()
	x.before, x.after = x.compile(t, before), x.compile(t, after)
	for _, node := range x.before.Nodes {
		if slices.Contains(x.after.Nodes, node) {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

func (x *crossing) compile(t testing.TB, s *spec) *lab.Lab {
	t.Helper()
	l, err := lab.Compile(x.id, s, lab.Options{Symlinks: true, HasNetem: x.k.HasNetem})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// become makes the machine hold a lab that forwards.
func (x *crossing) become(t testing.TB, l *lab.Lab) []state.Op {
	t.Helper()
	out, err := converge.Converge(t.Context(), x.k, x.id, l.Want)
	if err != nil || !out.State.Equal(l.Want) {
		t.Fatalf("%v, left: %s", err, texts(out.Left))
	}
	if err := settle(t.Context(), x.k, l); err != nil {
		t.Fatal(err)
	}
	return out.Applied
}

// rebuild builds a lab at once.
func (x *crossing) rebuild(t testing.TB, l *lab.Lab) {
	t.Helper()
	if _, err := converge.Remove(t.Context(), x.k, x.id); err != nil {
		t.Fatal(err)
	}
	x.become(t, l)
}

// working are the ways along which packets arrive in a lab that was built at once.
func (x *crossing) working(t testing.TB, l *lab.Lab, nodes []string, ways []way) []way {
	t.Helper()
	x.rebuild(t, l)
	c := newCourier(t, x.k, x.id, nodes)
	defer c.close()
	lost := c.send(t, ways, lossAfter/4)
	lost = c.send(t, lost, lossAfter/4)
	lost = c.send(t, lost, lossAfter)
	if err := c.forget(); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(slices.Clone(ways), func(w way) bool { return slices.Contains(lost, w) })
}

// cross edits the lab and returns where packets were lost, of how many after how many operations.
func (x *crossing) cross(t testing.TB, nodes []string, ways []way, cold bool) (bad []boundary, ops []state.Op) {
	t.Helper()
	c := newCourier(t, x.k, x.id, nodes)
	defer c.close()
	patience := surelyLostAfter
	if x.costs {
		patience = lossAfter / 10
	}
	check := func(op string) {
		if cold {
			if err := c.forget(); err != nil {
				t.Error(err)
			}
		}
		if lost := c.send(t, ways, patience); len(lost) > 0 {
			bad = append(bad, boundary{op, lost})
		}
	}
	for attempt := 0; len(c.send(t, ways, lossAfter/4)) > 0; attempt++ { // what was just built may carry nothing yet
		if attempt == 80 {
			t.Fatal("packets get lost before the edit")
		}
	}
	check("before the edit")
	x.afterOp = func(op state.Op) { // on a thread that is in a namespace
		var checking sync.WaitGroup
		checking.Go(func() { check(op.String()) })
		checking.Wait()
	}
	ops = x.become(t, x.after)
	x.afterOp = func(state.Op) {}
	check("after the edit")
	x.mustUseAllLegs(t)
	return bad, ops
}

// mustUseAllLegs fails if the kernel leaves out a next hop, which costs no packet while a route has another.
func (x *crossing) mustUseAllLegs(t testing.TB) {
	t.Helper()
	for namespace, n := range x.after.Want {
		for key, route := range n.Routes {
			if len(route.NextHops()) > 1 {
				x.mustUse(t, namespace, key)
			}
		}
	}
}

func (x *crossing) mustUse(t testing.TB, namespace string, key state.RouteKey) {
	t.Helper()
	found, err := x.k.LookupRoute(t.Context(), state.ForwardingQuery{Namespace: namespace, Destination: key.Prefix.Addr().Next()})
	dead := func(leg state.Leg) bool { return leg.Dead }
	if err != nil || found.Route == key.Prefix && slices.ContainsFunc(found.Legs, dead) {
		t.Errorf("%s in %s: %v, %+v", key.Prefix, namespace, err, found.Legs)
	}
}

// walk edits a lab with warm neighbours, and another time with forgotten ones.
func (x *crossing) walk(t testing.TB, before, after *spec) (results [2]result) {
	t.Helper()
	nodes := x.plan(t, before, after)
	ways := x.working(t, x.after, nodes, x.sharedWays(nodes))
	ways = x.working(t, x.before, nodes, ways)
	for i, cold := range []bool{false, true} {
		if cold {
			x.rebuild(t, x.before)
		}
		bad, ops := x.cross(t, nodes, ways, cold)
		results[i] = result{cold, len(ways), ops, bad}
	}
	return results
}

// result is what came of an edit.
type result struct {
	cold bool
	ways int
	ops  []state.Op
	bad  []boundary
}

func (r result) lost() (packets int) {
	for _, b := range r.bad {
		packets += len(b.lost)
	}
	return packets
}

func (r result) String() string {
	return fmt.Sprintf("%s: %d operations, %d ways each, lost %d packets after %d of them", r.neighbours(), len(r.ops), r.ways, r.lost(), len(r.bad))
}

// worst is what the operation cost that cost most.
func (r result) worst() string {
	most := 0
	for _, b := range r.bad {
		most = max(most, len(b.lost))
	}
	return fmt.Sprintf("%s: at most %d of %d ways, after %d of %d operations", r.neighbours(), most, r.ways, len(r.bad), len(r.ops))
}

func (r result) neighbours() string {
	if r.cold {
		return "cold"
	}
	return "warm"
}

// details are where packets were lost.
func (r result) details() string {
	var b strings.Builder
	b.WriteString(r.String() + "\n")
	for _, at := range r.bad {
		fmt.Fprintf(&b, "  %s: %d, such as %s\n", at.op, len(at.lost), at.lost[0])
	}
	return b.String()
}

// Why the kernel cannot hold at the same time what was there and what takes its place.
const (
	anotherLink  = "a link takes the name of another"
	anotherPlace = "an address changes its place in the list, or its IPv6 prefix length"
	lastAddress  = "a link loses its last IPv4 address, or IPv6"
	onTwoNodes   = "two nodes have the address of a gateway for a moment"
	otherSwitch  = "a switch works in another way"
)

// inherent says why an edit with such a plan cannot be without a loss, empty if it can.
func inherent(before state.State, plan []state.Op) string {
	deleted, gone := map[state.LinkID]bool{}, map[state.AddressID]bool{}
	reason := ""
	for _, op := range plan {
		switch o := op.(type) {
		case state.DeleteLink:
			link, _ := before.Link(o.LinkID)
			deleted[o.LinkID], deleted[link.Peer] = true, true
		case state.AddLink:
			if deleted[o.Ends[0].LinkID] || deleted[o.Ends[1].LinkID] {
				return anotherLink
			}
		case state.AddVLANLink:
			if deleted[o.LinkID] {
				return anotherLink
			}
		case state.DeleteAddress:
			gone[host(o.AddressID)] = true
		case state.AddAddress:
			switch {
			case gone[host(o.AddressID)]:
				return anotherPlace
			case isHeld(before, gone, o.AddressID):
				reason = onTwoNodes
			}
		case state.SetBridge, state.SetPortVLAN, state.DeletePortVLAN:
			return otherSwitch
		default:
		}
	}
	return cmp.Or(reason, rewritten(plan))
}

// isHeld reports whether another node has an address that comes.
func isHeld(before state.State, gone map[state.AddressID]bool, comes state.AddressID) bool {
	for id := range before.Addresses() {
		if id.Namespace != comes.Namespace && id.Prefix.Addr() == comes.Prefix.Addr() && !gone[host(id)] {
			return true
		}
	}
	return false
}

// host is an address whatever its prefix length.
func host(id state.AddressID) state.AddressID {
	id.Prefix = netip.PrefixFrom(id.Prefix.Addr(), id.Prefix.Addr().BitLen())
	return id
}

// rewritten says that a route is written after the address or the MTU is gone that it needed for a moment.
func rewritten(plan []state.Op) string {
	written := map[state.RouteID]bool{}
	for _, op := range plan {
		if o, ok := op.(state.ReplaceRoute); ok {
			if written[o.RouteID] {
				return lastAddress
			}
			written[o.RouteID] = true
		}
	}
	return ""
}

// sharedWays are those between nodes and addresses that are there before and after.
func (x *crossing) sharedWays(nodes []string) []way {
	later := waysOf(x.after)
	return slices.DeleteFunc(waysOf(x.before), func(w way) bool {
		return !slices.Contains(later, w) || !slices.Contains(nodes, w.from)
	})
}
