// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

// Limits bound labs together; 0 is no limit.
type Limits struct {
	// Labs is their number, Namespaces that of their network namespaces, Rows that of the rows of their wanted States.
	Labs, Namespaces, Rows int
}

// capacity limits the labs of agents on this machine, all of them and those of each tenant, which is a namespace of
// the cluster. It is filled from the owner labels in the kernel when the agent starts: a restart frees no capacity. A
// lab that is there stays, also if limits are lowered; only new labs and those that grow are refused.
type capacity struct {
	node, tenant Limits

	mu sync.Mutex
	// taken is what each lab has.
	taken map[state.Identity]usage
	// pendingDelete are labs that are proven to be deleted and may still be on this machine.
	pendingDelete map[state.Identity]bool
}

// usage is what a lab has of the limits.
type usage struct {
	namespaces, rows int
	// found says that the lab was there when the agent started, and what it should have is not known.
	found bool
}

func newCapacity(node, tenant Limits) *capacity {
	labsLimit.Set(float64(node.Labs))
	namespacesLimit.Set(float64(node.Namespaces))
	rowsLimit.Set(float64(node.Rows))
	return &capacity{node: node, tenant: tenant, taken: map[state.Identity]usage{}, pendingDelete: map[state.Identity]bool{}}
}

// read adds every lab with an agent's owner label.
func (c *capacity) read(ctx context.Context, k Kernel) error {
	labs, err := k.Labs(ctx)
	if err != nil {
		return fmt.Errorf("list the labs of this machine: %w", err)
	}
	for _, id := range labs {
		if !id.Owner.IsAgent() {
			continue
		}
		found, err := k.Observe(ctx, id, state.State{})
		if err != nil {
			return fmt.Errorf("observe %s: %w", id, err)
		}
		c.set(id, usage{len(found.State), found.State.Rows(), true})
	}
	return nil
}

func (c *capacity) set(id state.Identity, u usage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken[id] = u
	c.publish()
}

// reserve adds a lab, or names the limit that the lab would exceed. A lab that is there already then keeps what it
// had.
func (c *capacity) reserve(id state.Identity, namespaces, rows int) (overLimit string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	want := usage{namespaces: namespaces, rows: rows}
	if has, here := c.taken[id]; !here || !has.found && (namespaces > has.namespaces || rows > has.rows) {
		all := func(state.Identity) bool { return true }
		own := func(other state.Identity) bool { return other.Namespace == id.Namespace }
		overLimit = cmp.Or(
			c.tenant.refusal("namespace "+id.Namespace+" on this node", "-per-tenant", c.others(id, own), want),
			c.node.refusal("this node", "", c.others(id, all), want),
		)
	}
	if overLimit == "" {
		c.taken[id] = want
		c.publish()
	}
	return overLimit
}

// others sums what labs other than one have. It is called with the lock held.
func (c *capacity) others(id state.Identity, match func(state.Identity) bool) (sum Limits) {
	for other, u := range c.taken {
		if other != id && match(other) {
			sum.Labs++
			sum.Namespaces += u.namespaces
			sum.Rows += u.rows
		}
	}
	return sum
}

// refusal names the first limit that a lab exceeds together with others; empty if there is none.
func (l Limits) refusal(of, flag string, others Limits, want usage) string {
	switch {
	case l.Labs > 0 && others.Labs+1 > l.Labs:
		return fmt.Sprintf("%s is limited to %s (--max-labs%s)", of, status.CountOf(l.Labs, "lab"), flag)
	case l.Namespaces > 0 && others.Namespaces+want.namespaces > l.Namespaces:
		return tooMany(of, "namespace", "--max-namespaces"+flag, want.namespaces, l.Namespaces, others.Namespaces)
	case l.Rows > 0 && others.Rows+want.rows > l.Rows:
		return tooMany(of, "row", "--max-rows"+flag, want.rows, l.Rows, others.Rows)
	}
	return ""
}

func tooMany(of, what, flag string, want, limit, others int) string {
	return fmt.Sprintf("the lab needs %s; %s is limited to %d, of which %d are free (%s)", status.CountOf(want, what), of, limit, max(0, limit-others), flag)
}

// has reports whether a lab is on this machine, or about to be.
func (c *capacity) has(id state.Identity) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, here := c.taken[id]
	return here
}

// release removes a lab.
func (c *capacity) release(id state.Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.taken, id)
	c.publish()
}

// named lists the labs of a name on this machine, two if a lab was deleted and created again, and those of
// them that are pending deletion.
func (c *capacity) named(lab types.NamespacedName) (here []state.Identity, pendingDelete map[state.Identity]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pendingDelete = map[state.Identity]bool{}
	for id := range c.taken {
		if id.Namespace == lab.Namespace && id.Name == lab.Name {
			here = append(here, id)
		}
	}
	for id := range c.pendingDelete {
		if id.Namespace == lab.Namespace && id.Name == lab.Name {
			pendingDelete[id] = true
		}
	}
	return here, pendingDelete
}

// markDeleted notes that a lab is deleted. The lab need not have been added: a reconcile may be about to
// build it.
func (c *capacity) markDeleted(id state.Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pendingDelete[id] = true
}

// deleteDone removes labs from those pending deletion.
func (c *capacity) deleteDone(done map[state.Identity]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range done {
		delete(c.pendingDelete, id)
	}
}

// publish is called with the lock held.
func (c *capacity) publish() {
	sum := Limits{}
	for _, u := range c.taken {
		sum.Namespaces += u.namespaces
		sum.Rows += u.rows
	}
	namespacesHere.Set(float64(sum.Namespaces))
	rowsHere.Set(float64(sum.Rows))
}
