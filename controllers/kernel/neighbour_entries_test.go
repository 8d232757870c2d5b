// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/state"
)

func TestForgetDeletesOnlyTheNeighboursThatCame(t *testing.T) {
	k := pinged(t)
	sh(t, `ip -n `+ns1+` neighbour add 192.0.2.77 lladdr 02:00:00:00:00:77 dev left nud stale`)
	forget, err := k.RememberNeighbours([]string{ns1, "default.routed-pair.nobody"})
	if err != nil {
		t.Fatal(err)
	}
	sh(t, `ip -n `+ns1+` -batch - <<'END'
neighbour add 192.0.2.78 lladdr 02:00:00:00:00:78 dev left nud stale
neighbour add 192.0.2.79 lladdr 02:00:00:00:00:79 dev left nud permanent
neighbour add 192.0.2.80 lladdr 02:00:00:00:00:80 dev left nud noarp
neighbour add 2001:db8::78 lladdr 02:00:00:00:00:78 dev left nud stale
END`)
	const asked = "ff02::1:ff00:99"
	waitUntil(t, "looking for 2001:db8::99 leaves an entry of "+asked, func() bool { // not before there is an address to ask from
		sh(t, "ip netns exec "+ns1+" ping -6 -c 1 -W 1 2001:db8::99 || true")
		return strings.Contains(sh(t, "ip -n "+ns1+" neighbour show nud all"), asked)
	})
	if err := forget(); err != nil {
		t.Fatal(err)
	}
	left := sh(t, "ip -n "+ns1+" neighbour show nud all")
	for address, stays := range map[string]bool{"192.0.2.77": true, "192.0.2.78": false, "192.0.2.79": true, "192.0.2.80": true, "2001:db8::78": false, "2001:db8::99": false, asked: false} {
		if strings.Contains(left, address+" ") != stays {
			t.Errorf("%s: it should stay: %t; there is\n%s", address, stays, left)
		}
	}
}

// Packets wait in an entry whose MAC address is not known yet. Updating it in place sends them; router answers no ARP
// request here, so nothing else does.
func TestWaitingPacketsGoOutWhenTheirNeighbourIsUpdated(t *testing.T) {
	k := newKernel(t, Options{})
	convergeActive(t, k)
	const packets = 5
	sh(t, "ip netns exec "+router+" sysctl -qw net.ipv4.conf.l1.arp_ignore=8")
	sh(t, "ip -n "+ns1+" neighbour add 192.0.2.78 lladdr 02:00:00:00:00:78 dev l1 nud permanent")
	receiver := openUDP(t, k, router)
	sender := openUDP(t, k, ns1)
	for range packets {
		if _, err := sender.WriteToUDPAddrPort([]byte("waits"), netip.MustParseAddrPort("192.0.2.77:7002")); err != nil {
			t.Fatal(err)
		}
	}
	ops := []state.Op{addr(router, "l1", "192.0.2.77/24"), addr(router, "l1", "192.0.2.78/24")}
	stale := map[int][]state.Neighbour{}
	for i, address := range []string{"192.0.2.77", "192.0.2.78", "192.0.2.79"} { // nothing is known of the last
		stale[i/2] = append(stale[i/2], state.Neighbour{LinkID: link(ns1, "l1"), Address: netip.MustParseAddr(address), MAC: mac(2)})
	}
	if _, err := k.Edit(t.Context(), ops, stale); err != nil {
		t.Fatal(err)
	}
	if err := receiver.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for arrived := range packets {
		if _, err := receiver.Read(make([]byte, 16)); err != nil {
			t.Fatalf("%d of %d packets arrived: %v", arrived, packets, err)
		}
	}
	neighbours := sh(t, "ip -n "+ns1+" neighbour show")
	for text, there := range map[string]bool{"192.0.2.77 dev l1 lladdr " + mac(2).String(): true, "192.0.2.78 dev l1 lladdr 02:00:00:00:00:78 PERMANENT": true, "192.0.2.79": false} {
		if strings.Contains(neighbours, text) != there {
			t.Errorf("%q should be there: %t; there is\n%s", text, there, neighbours)
		}
	}
}

func openUDP(t *testing.T, k *Kernel, namespace string) (conn *net.UDPConn) {
	t.Helper()
	err := k.Enter(namespace, func() (err error) {
		conn, err = net.ListenUDP("udp4", &net.UDPAddr{Port: 7002})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
