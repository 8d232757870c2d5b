// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
)

// deadline is how long a wave of pings waits for replies that may not come, surelyBy where all of them should: a busy
// machine is late.
const (
	deadline = 300 * time.Millisecond
	surelyBy = 20 * time.Second
)

// pinger asks the pairs of a lab in waves that leave room in the machine's neighbour tables.
type pinger struct {
	k    *kernel.Kernel
	room *room
}

// room is a number of neighbour entries that several labs share.
type room struct {
	mu         sync.Mutex
	freed      *sync.Cond
	used, size int
}

func newRoom(size int) *room {
	r := &room{size: size}
	r.freed = sync.NewCond(&r.mu)
	return r
}

// take waits for as many entries, or for all of them.
func (r *room) take(n int) (give func()) {
	n = min(n, r.size)
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.used+n > r.size {
		r.freed.Wait()
	}
	r.used += n
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.used -= n
		r.freed.Broadcast()
	}
}

// newPinger takes a quarter of what is free in the fuller one of the two tables.
func newPinger(t testing.TB, k *kernel.Kernel) *pinger {
	t.Helper()
	free := 1 << 20
	for _, family := range []int{4, 6} {
		used, limit, err := k.NeighbourUse(family)
		if err != nil {
			t.Fatal(err)
		}
		free = min(free, limit-used)
	}
	if free < 64 {
		t.Fatalf("the machine's neighbour tables have room for %d more entries: too few to ping", free)
	}
	return &pinger{k, newRoom(free / 4)}
}

// ask returns which pairs got their reply. Pairs go in waves by asking node.
func (p *pinger) ask(t testing.TB, lab *lab.Lab, pairs []labtest.Pair, patience time.Duration) []bool {
	t.Helper()
	replied := make([]bool, len(pairs))
	cost := entries(lab)
	for start := 0; start < len(pairs); {
		size := len(pairs) - start
		for size > 1 && min(cost, 4*size) > p.room.size {
			size /= 2
		}
		p.wave(t, lab, pairs[start:start+size], replied[start:start+size], min(cost, 4*size), patience)
		start += size
	}
	return replied
}

// entries bounds how many neighbour entries pings within a lab can cause in one family: everybody
// looks for everybody else on a segment, in IPv6 by a multicast address that takes one, too.
func entries(lab *lab.Lab) int {
	on := map[netip.Prefix]int{}
	for id := range lab.Want.Addresses() {
		on[id.Prefix.Masked()]++
	}
	total := 0
	for p, n := range on {
		switch {
		case state.IsLinkLocal(p.Addr()):
			total += 2 * n
		case p.Addr().Is6():
			total += 2 * n * (n - 1)
		default:
			total += n * (n - 1)
		}
	}
	return total
}

func (p *pinger) wave(t testing.TB, lab *lab.Lab, pairs []labtest.Pair, replied []bool, cost int, patience time.Duration) {
	t.Helper()
	defer p.room.take(cost)()
	var names []string
	for _, node := range lab.Nodes {
		names = append(names, lab.Identity.NetworkNamespace(node))
	}
	forget, err := p.k.RememberNeighbours(names)
	if err != nil {
		t.Fatal(err)
	}
	p.each(t, lab, pairs, replied, patience)
	if err := forget(); err != nil {
		t.Fatal(err)
	}
}

// each asks all pairs at once, those of one node and family through one socket.
func (p *pinger) each(t testing.TB, lab *lab.Lab, pairs []labtest.Pair, replied []bool, patience time.Duration) {
	t.Helper()
	var asking sync.WaitGroup
	for first := 0; first < len(pairs); {
		n := first + 1
		for n < len(pairs) && pairs[n].From == pairs[first].From && pairs[n].Target.Is6() == pairs[first].Target.Is6() {
			n++
		}
		mine, answers := pairs[first:n], replied[first:n]
		asking.Go(func() {
			if err := p.from(lab.Identity.NetworkNamespace(mine[0].From), mine, answers, patience); err != nil {
				t.Errorf("%s: %v", lab.Identity, err)
			}
		})
		first = n
	}
	asking.Wait()
}

// from asks everybody that one node asks in one family, through one socket.
func (p *pinger) from(namespace string, pairs []labtest.Pair, replied []bool, patience time.Duration) error {
	family, reply := 4, byte(0)
	if pairs[0].Target.Is6() {
		family, reply = 6, 129
	}
	conn, err := p.k.DialICMP(namespace, family, false, netip.Addr{})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for i, pair := range pairs {
		_ = conn.WriteTo(echoRequest(family, uint16(i)), pair.Target) // no route is no reply
	}
	buf := make([]byte, 128)
	for waiting := len(pairs); waiting > 0; {
		n, from, _, err := conn.ReadFrom(buf)
		if err != nil {
			return nil // the deadline
		}
		// A raw socket also sees the requests of whoever asks back.
		if seq := int(binary.BigEndian.Uint16(buf[6:])); n >= 8 && buf[0] == reply && seq < len(pairs) && from.WithZone("") == pairs[seq].Target && !replied[seq] {
			replied[seq] = true
			waiting--
		}
	}
	return nil
}

// echoRequest is an ICMP echo request (RFC 792); the kernel fills ICMPv6's checksum in.
func echoRequest(family int, seq uint16) []byte {
	m := []byte{8, 0, 0, 0, 0x4e, 0x4c, 0, 0}
	if family == 6 {
		m[0] = 128
	}
	binary.BigEndian.PutUint16(m[6:], seq)
	sum := uint32(m[0])<<8 + 0x4e4c + uint32(seq)
	binary.BigEndian.PutUint16(m[2:], ^uint16(sum+sum>>16))
	return m
}

// judge compares what is expected with what came. Replies that did not come are waited for once more,
// because a machine with much to do loses some; how many is returned.
func (p *pinger) judge(t testing.TB, lab *lab.Lab, pairs []labtest.Pair) (asked, again int, wrong []string) {
	t.Helper()
	pairs = slices.DeleteFunc(slices.Clone(pairs), func(q labtest.Pair) bool { return q.Expect == labtest.Unclear })
	replied := p.ask(t, lab, pairs, deadline)
	var missed []labtest.Pair
	for i, q := range pairs {
		switch {
		case replied[i] && q.Expect == labtest.No:
			wrong = append(wrong, fmt.Sprintf("%s reaches %s (%s), and should not", q.From, q.To, q.Target))
		case !replied[i] && q.Expect == labtest.Yes:
			missed = append(missed, q)
		}
	}
	for i, came := range p.ask(t, lab, missed, surelyBy) {
		if !came {
			wrong = append(wrong, fmt.Sprintf("%s does not reach %s (%s)", missed[i].From, missed[i].To, missed[i].Target))
		}
	}
	return len(pairs), len(missed), wrong
}
