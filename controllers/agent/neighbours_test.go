// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// table is a node's neighbour table of both families.
type table struct{ limit int }

func (b *table) use(probe.Family) (used, limit int, err error) { return 0, b.limit, nil }

// wants is a lab that was created so many seconds after the first and needs so many IPv4 entries.
func wants(name string, second, need int) candidate {
	id := state.Identity{Namespace: "default", Name: name, Owner: state.AgentOwner("uid-" + name)}
	return candidate{id: id, created: time.Unix(int64(second), 0), need: lab.NeighbourCount{IPv4: need}}
}

func (b *neighbourBudget) mustAdmit(t *testing.T, c candidate) (admitted bool) {
	t.Helper()
	overLimit, err := b.admit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return overLimit == ""
}

func TestLabsAreAdmittedUpToTheBudget(t *testing.T) {
	node := &table{limit: 100}
	b := newNeighbourBudget(50, node.use)
	for i, need := range []int{20, 20, 20, 10, 0} {
		admitted := b.mustAdmit(t, wants(fmt.Sprint("lab", i), i, need))
		if want := i != 2; admitted != want {
			t.Errorf("lab%d, which needs %d, is admitted: %t, want %t", i, need, admitted, want)
		}
	}
	overLimit, _ := b.admit(t.Context(), wants("more", 9, 1))
	const want = "neighbour table: the lab's probes need 1 IPv4 entries; the labs of this node may use 50 of 100 (--neighbor-share=50), of which 0 are free; write neighbors: Static, which needs none"
	if overLimit != want {
		t.Errorf("refused with\n%s\nwant\n%s", overLimit, want)
	}
	ipv6 := wants("ipv6", 9, 0)
	ipv6.need.IPv6 = 51
	if overLimit, _ := b.admit(t.Context(), ipv6); !strings.Contains(overLimit, "51 IPv6 entries") {
		t.Errorf("refused with %s", overLimit)
	}
}

// A lab that is there stays, and may need less; what it needs more is refused.
func TestAdmittedLabsStay(t *testing.T) {
	node := &table{limit: 100}
	b := newNeighbourBudget(50, node.use)
	b.mustAdmit(t, wants("old", 0, 40))
	node.limit = 10
	for _, c := range []struct {
		lab  string
		need int
		want bool
	}{{"old", 40, true}, {"new", 1, false}, {"old", 41, false}, {"old", 4, true}, {"new", 1, true}, {"old", 40, false}} {
		if got := b.mustAdmit(t, wants(c.lab, 1, c.need)); got != c.want {
			t.Errorf("%s, which needs %d, is admitted: %t, want %t", c.lab, c.need, got, c.want)
		}
	}
	if next := b.release(wants("old", 0, 0).id); len(next) != 0 {
		t.Errorf("%v have room now, and none waits", next)
	}
}

// What waits is admitted oldest first when there is room; a younger one does not overtake an older one that fits.
func TestTheOldestThatFitsIsNext(t *testing.T) {
	b := newNeighbourBudget(100, (&table{limit: 10}).use)
	b.mustAdmit(t, wants("first", 0, 10))
	for _, c := range []candidate{wants("young", 3, 6), wants("large", 1, 11), wants("old", 2, 6)} {
		if b.mustAdmit(t, c) {
			t.Errorf("%s is admitted", c.id)
		}
	}
	next := b.release(wants("first", 0, 0).id)
	if len(next) != 1 || next[0].Name != "old" {
		t.Errorf("%v have room now, want default/old", next)
	}
	if b.mustAdmit(t, wants("young", 3, 6)) || !b.mustAdmit(t, wants("old", 2, 6)) {
		t.Error("the younger lab overtook the older one")
	}
	b.withdraw(next[0])
	if b.mustAdmit(t, wants("young", 3, 6)) {
		t.Error("a lab that is admitted does not wait: withdrawing it gives nothing back")
	}
}

// An agent that starts knows what the labs need that are there, whichever it looks at first.
func TestARestartAdmitsTheSameLabs(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		all := make([]candidate, 20)
		for i := range all {
			all[i] = wants(fmt.Sprintf("lab%02d", i), random.IntN(10), random.IntN(8))
		}
		admitted := started(t, all, random)
		for i := range all {
			all[i].here = slices.Contains(admitted, all[i].id.Name)
		}
		if again := started(t, all, random); !slices.Equal(again, admitted) {
			t.Fatalf("seed %d: at first %v were admitted, after a restart %v", seed, admitted, again)
		}
		for i := range all {
			all[i].here = false
		}
		if rebooted := started(t, all, random); !slices.Equal(rebooted, admitted) {
			t.Fatalf("seed %d: at first %v were admitted, after a reboot %v", seed, admitted, rebooted)
		}
	}
}

// started are the labs, by name, that an agent admits which finds them in any order.
func started(t *testing.T, all []candidate, random *rand.Rand) (admitted []string) {
	t.Helper()
	b := newNeighbourBudget(50, (&table{limit: 60}).use)
	b.first = func(context.Context) ([]candidate, error) { return all, nil }
	for _, i := range random.Perm(len(all)) {
		c := all[i]
		c.here = false
		if b.mustAdmit(t, c) {
			admitted = append(admitted, c.id.Name)
		}
	}
	slices.Sort(admitted)
	return admitted
}

func TestALabWithoutRoomIsNotBuilt(t *testing.T) {
	node := &table{limit: 7}
	b := newBench(t, func(o *Options) { o.NeighborShare, o.Machine.NeighborUse = 50, node.use })
	for range 2 {
		if got := b.mustReconcile(); got != "False/LimitExceeded" {
			t.Errorf("reported %s", got)
		}
	}
	b.untouched("the lab needs four neighbour entries, and three are free")
	if b.capacity.has(wants("routed-pair", 0, 0).id) {
		t.Error("a lab that is not built takes namespaces")
	}
	node.limit = 8
	if got := b.mustReconcile(); got != "True/Realized" {
		t.Errorf("with room, reported %s", got)
	}
	node.limit = 1
	if got := b.mustReconcile(); got != "True/Realized" {
		t.Errorf("with a lower limit, reported %s", got)
	}
}

// A lab that another limit keeps out leaves its room to others.
func TestALabOverAnotherLimitTakesNoRoom(t *testing.T) {
	node := &table{limit: 8}
	b := newBench(t, func(o *Options) {
		o.NeighborShare, o.Machine.NeighborUse, o.Limits.Namespaces = 50, node.use, 2
	})
	b.mustReconcile()
	if len(b.neighbours.admitted) > 0 {
		t.Errorf("admitted are %v", b.neighbours.admitted)
	}
}
