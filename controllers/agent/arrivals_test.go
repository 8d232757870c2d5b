// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
)

// Nodes hear of labs in the same order, and reconcile them in any. All of them admit the same ones: the first that fit.
func TestNodesAdmitTheSameLabsOfThoseThatAreCreatedAtOnce(t *testing.T) {
	for name, limit := range map[string]func(*Options){
		"three fit into the neighbour table": func(o *Options) { o.NeighborShare, o.Machine.NeighborUse = 50, (&table{limit: 24}).use },
		"three are the limit":                func(o *Options) { o.Limits.Labs = 3 },
		"three are the limit of a tenant":    func(o *Options) { o.TenantLimits.Labs = 3 },
	} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				b, random := newBench(t, limit), rand.New(rand.NewPCG(seed, 0))
				labs := b.createAtOnce(random.Perm(8))
				labs[0].suspend(b)
				labs[2].remove(b)
				want := []string{labs[1].Name, labs[3].Name, labs[4].Name}
				for _, i := range random.Perm(len(labs)) {
					b.mustReconcileLab(labs[i].Name)
				}
				var admitted []string
				for id := range b.capacity.taken {
					admitted = append(admitted, id.Name)
				}
				slices.Sort(admitted)
				slices.Sort(want)
				if !slices.Equal(admitted, want) {
					t.Errorf("admitted are %v, want %v", admitted, want)
				}
			})
		}
	}
}

// arrival is a lab of which the agent has heard.
type arrival struct{ *v1alpha1.NetLab }

// createAtOnce creates labs with these numbers, and tells the agent of them in this order.
func (b *bench) createAtOnce(numbers []int) (labs []arrival) {
	b.Helper()
	events, q := b.labEvents(func() {}), newTestQueue(b.T)
	for _, n := range numbers {
		netlab := labtest.StoredPair()
		netlab.Name, netlab.UID, netlab.ResourceVersion = fmt.Sprint("lab", n), types.UID(fmt.Sprint("uid-", n)), ""
		if err := b.cached.Create(b.Context(), netlab); err != nil {
			b.Fatal(err)
		}
		events.Create(b.Context(), event.CreateEvent{Object: netlab}, q)
		labs = append(labs, arrival{netlab})
	}
	return labs
}

func (l arrival) suspend(b *bench) {
	l.Spec.Suspend = true
	if err := b.cached.Update(b.Context(), l.NetLab); err != nil {
		b.Fatal(err)
	}
}

func (l arrival) remove(b *bench) {
	if err := b.cached.Delete(b.Context(), l.NetLab); err != nil {
		b.Fatal(err)
	}
	b.labEvents(func() {}).Delete(b.Context(), event.DeleteEvent{Object: l.NetLab}, newTestQueue(b.T))
}

func (b *bench) mustReconcileLab(name string) {
	b.Helper()
	if _, err := b.Reconcile(b.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "default", Name: name}}); err != nil {
		b.Fatal(err)
	}
}
