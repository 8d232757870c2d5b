// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"strings"
	"testing"
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
	sh(t, "ip netns exec "+ns1+" ping -6 -c 1 -W 1 2001:db8::99 || true")
	const asked = "ff02::1:ff00:99"
	if all := sh(t, "ip -n "+ns1+" neighbour show nud all"); !strings.Contains(all, asked) {
		t.Fatalf("looking for 2001:db8::99 left no entry of %s:\n%s", asked, all)
	}
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
