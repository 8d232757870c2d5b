// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// looks are those that inspections took: of the whole lab, and of namespaces.
type looks struct {
	whole      int
	namespaces []string
}

func (b *bench) looks() looks {
	whole, namespaces := b.kernel.Looks()
	slices.Sort(namespaces)
	return looks{whole, slices.Compact(namespaces)}
}

const nsA, nsB = "default.routed-pair.ns1", "default.routed-pair.ns2"

// edit changes the lab's spec.
func (b *bench) edit(change func(*v1alpha1.NetLab)) {
	b.Helper()
	lab := &v1alpha1.NetLab{}
	if err := b.cached.Get(b.Context(), benchName, lab); err != nil {
		b.Fatal(err)
	}
	change(lab)
	lab.Generation++
	if err := b.cached.Update(b.Context(), lab); err != nil {
		b.Fatal(err)
	}
}

// hear relays kernel events.
func (b *bench) hear(namespaces ...string) {
	events := make(chan string, len(namespaces))
	for _, namespace := range namespaces {
		events <- namespace
	}
	close(events)
	b.relay(b.Context(), events)
}

// An inspection looks at what its reasons name, and at the whole lab when they name nothing.
func TestAnInspectionLooksAtWhatHasChanged(t *testing.T) {
	deleteAddress := func(b *bench) {
		b.kernel.Mutate(func(s state.State) {
			for key := range s[nsA].Addresses {
				if key.Link == "l1" && key.Prefix.Addr().Is4() {
					delete(s[nsA].Addresses, key)
				}
			}
		})
	}
	for _, c := range []struct {
		name   string
		happen func(b *bench)
		looks  looks
		writes int
	}{
		{"nothing that is known", func(*bench) {}, looks{whole: 1}, 0},
		{"an event", func(b *bench) { b.known.touch(benchName, nsA) }, looks{namespaces: []string{nsA}}, 0},
		{"an event in a namespace that is to be corrected", func(b *bench) {
			deleteAddress(b)
			b.known.touch(benchName, nsA)
		}, looks{namespaces: []string{nsA}}, 1},
		{"an event elsewhere", func(b *bench) {
			deleteAddress(b)
			b.known.touch(benchName, nsB)
		}, looks{namespaces: []string{nsB}}, 0},
		{"lost events", func(b *bench) {
			b.known.touch(benchName, nsA)
			b.known.touchAll(benchName)
		}, looks{whole: 1}, 0},
		{"probes pass", func(b *bench) {
			b.probed(benchName.String(), []probe.Result{{Outcome: probe.Reply, Verdict: probe.Pass}, {}})
		}, looks{}, 0},
		{"a probe fails", func(b *bench) {
			b.probed(benchName.String(), []probe.Result{{Outcome: probe.NoReply, Verdict: probe.Fail}, {}})
		}, looks{whole: 1}, 0},
		{"a reply is overdue", func(b *bench) {
			b.probed(benchName.String(), []probe.Result{{Outcome: probe.Reply, Verdict: probe.Pass, Overdue: true}, {}})
		}, looks{whole: 1}, 0},
		{"a kernel event", func(b *bench) { b.hear(nsA) }, looks{namespaces: []string{nsA}}, 0},
		{"an event for all namespaces", func(b *bench) { b.hear(nsA, "", nsA) }, looks{whole: 1}, 0},
		{"an event in another lab", func(b *bench) { b.hear("default.other.ns1"); b.known.touch(benchName) }, looks{}, 0},
		{"an event, and the period is over", func(b *bench) {
			b.known.touch(benchName, nsA)
			b.known.labs[benchName].whole = time.Now().Add(-b.ComparePeriod)
		}, looks{whole: 1}, 0},
		{"events in most namespaces", func(b *bench) { b.known.touch(benchName, nsA, nsB) }, looks{whole: 1}, 0},
		{"an event after an inspection that failed", func(b *bench) {
			b.kernel.FailObserve(errors.New("no"))
			b.mustReconcile()
			b.kernel.FailObserve(nil)
			b.looks()
			b.known.touch(benchName, nsA)
		}, looks{whole: 1}, 0},
		{"an event in a lab that is suspended, and resumed", func(b *bench) {
			b.edit(func(lab *v1alpha1.NetLab) { lab.Spec.Suspend = true })
			b.mustReconcile()
			b.known.touch(benchName, nsA)
			b.edit(func(lab *v1alpha1.NetLab) { lab.Spec.Suspend = false })
		}, looks{whole: 1}, 0},
		{"an edit", func(b *bench) {
			b.edit(func(lab *v1alpha1.NetLab) {
				lab.Spec.Namespaces[0].Sysctls = []v1alpha1.Sysctl{{Name: "net.ipv4.ip_default_ttl", Value: intstr.FromInt32(32)}}
			})
		}, looks{namespaces: []string{nsA}}, 1},
		{"an edit of something else", func(b *bench) {
			b.edit(func(lab *v1alpha1.NetLab) { lab.Spec.Probes = nil })
		}, looks{}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, nil)
			b.mustReconcile()
			b.known.touched = map[types.NamespacedName]touched{} // subscribing to its namespaces has touched them
			b.kernel.ForgetWrites()
			b.looks()
			c.happen(b)
			b.mustReconcile()
			if got := b.looks(); got.whole != c.looks.whole || !slices.Equal(got.namespaces, c.looks.namespaces) {
				t.Errorf("looked at %+v, want %+v", got, c.looks)
			}
			if b.kernel.Writes() != c.writes {
				t.Errorf("wrote %v", b.kernel.Applied())
			}
		})
	}
}

// What is kept is bounded: the largest labs are looked at as a whole each time.
func TestTheLargestLabsAreNotKept(t *testing.T) {
	k := newKnown(time.Minute)
	k.maxRows = 100
	id := func(name string) state.Identity { return state.Identity{Namespace: "default", Name: name} }
	for _, c := range []struct {
		name string
		rows int
		kept []string
	}{
		{"a", 60, []string{"a"}},
		{"b", 40, []string{"a", "b"}},
		{"c", 30, []string{"b", "c"}},
		{"d", 101, []string{"b", "c"}},
		{"b", 10, []string{"b", "c"}},
		{"e", 60, []string{"b", "c", "e"}},
	} {
		k.keep(k.lab(id(c.name)), c.rows)
		var kept []string
		for name := range k.labs {
			kept = append(kept, name.Name)
		}
		if slices.Sort(kept); !slices.Equal(kept, c.kept) {
			t.Errorf("after %s with %d rows, kept are %v, want %v", c.name, c.rows, kept, c.kept)
		}
	}
}

// A large lab is looked at as a whole less often: at rest, every lab costs about the same.
func TestLargeLabsAreLookedAtAsAWholeLessOften(t *testing.T) {
	k := newKnown(10 * time.Second)
	now := time.Now()
	for rows, want := range map[int]time.Duration{0: 10 * time.Second, 4_999: 10 * time.Second, 5_000: 20 * time.Second, 120_000: 250 * time.Second} {
		id := state.Identity{Namespace: "default", Name: "lab"}
		l := k.lab(id)
		l.rows, l.whole = rows, time.Time{}
		if got := k.left(id, rows, now); got != want {
			t.Errorf("a lab of %d rows that is not kept is looked at after %s, want %s", rows, got, want)
		}
		l.whole, l.seenGeneration = now, 1
		if got := k.left(id, rows, now.Add(time.Second)); got != want-time.Second {
			t.Errorf("%d rows: %s are left after a second, want %s", rows, got, want-time.Second)
		}
		l.seen.Whole = true
		k.touch(nameOf(id), "default.lab.a")
		if last, _ := k.last(l, 1, now.Add(want-time.Second)); !last.Whole {
			t.Errorf("%d rows: an event %s after a look makes it one at the whole lab", rows, want-time.Second)
		}
	}
}
