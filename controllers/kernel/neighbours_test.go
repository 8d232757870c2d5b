// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"strings"
	"testing"
)

// The tables belong to the whole machine: others may add entries at any time, but nobody can
// take away those that are permanent here.
func TestNeighbourUseCountsWhatIsThere(t *testing.T) {
	k := pinged(t)
	const entries = 60
	var add strings.Builder
	for i := range entries {
		fmt.Fprintf(&add, "neighbour add 192.0.2.%d lladdr 02:00:00:00:00:02 dev left nud permanent\n", 10+i)
		fmt.Fprintf(&add, "neighbour add 2001:db8::%x lladdr 02:00:00:00:00:02 dev left nud permanent\n", 16+i)
	}
	sh(t, fmt.Sprintf("ip -n %s -batch - <<'END'\n%sEND", ns1, add.String()))
	for family, table := range map[int]string{4: "arp_cache", 6: "ndisc_cache"} {
		used, limit, err := k.NeighbourUse(family)
		if err != nil {
			t.Fatal(err)
		}
		if used < entries {
			t.Errorf("IPv%d: %d entries, want at least %d", family, used, entries)
		}
		if says, want := sh(t, "ip ntable show name "+table), fmt.Sprintf("thresh3 %d ", limit); !strings.Contains(says, want) {
			t.Errorf("IPv%d: the limit is %d, ip ntable says\n%s", family, limit, says)
		}
	}
	if _, _, err := k.NeighbourUse(5); err == nil {
		t.Error("there is no IPv5")
	}
}
