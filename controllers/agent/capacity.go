// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

// capacity limits the labs and network namespaces of agents on this machine. It is filled from the owner
// labels in the kernel when the agent starts: a restart frees no capacity.
type capacity struct {
	maxLabs, maxNamespaces int

	mu sync.Mutex
	// namespaces has the number of network namespaces of each lab.
	namespaces map[state.Identity]int
	// pendingDelete are labs that are proven to be deleted and may still be on this machine.
	pendingDelete map[state.Identity]bool
}

func newCapacity(maxLabs, maxNamespaces int) *capacity {
	labsLimit.Set(float64(maxLabs))
	namespacesLimit.Set(float64(maxNamespaces))
	return &capacity{
		maxLabs: maxLabs, maxNamespaces: maxNamespaces,
		namespaces:    map[state.Identity]int{},
		pendingDelete: map[state.Identity]bool{},
	}
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
		c.set(id, len(found.State))
	}
	return nil
}

func (c *capacity) set(id state.Identity, namespaces int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.namespaces[id] = namespaces
	c.publish()
}

// reserve adds a lab, or names the limit that the lab would exceed. A lab that is there already then keeps
// its old number of namespaces.
func (c *capacity) reserve(id state.Identity, namespaces int) (overLimit string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	labs, total := 1, namespaces
	for other, taken := range c.namespaces {
		if other != id {
			labs++
			total += taken
		}
	}
	switch {
	case c.maxLabs > 0 && labs > c.maxLabs:
		return fmt.Sprintf("this node is limited to %s (--max-labs)", status.CountOf(c.maxLabs, "lab"))
	case c.maxNamespaces > 0 && total > c.maxNamespaces:
		return fmt.Sprintf("the lab needs %s; this node is limited to %d, of which %d are free (--max-namespaces)",
			status.CountOf(namespaces, "namespace"), c.maxNamespaces, max(0, c.maxNamespaces-total+namespaces))
	}
	c.namespaces[id] = namespaces
	c.publish()
	return ""
}

// release removes a lab.
func (c *capacity) release(id state.Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.namespaces, id)
	c.publish()
}

// named lists the labs of a name on this machine, two if a lab was deleted and created again, and those of
// them that are pending deletion.
func (c *capacity) named(lab types.NamespacedName) (here []state.Identity, pendingDelete map[state.Identity]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pendingDelete = map[state.Identity]bool{}
	for id := range c.namespaces {
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
	total := 0
	for _, taken := range c.namespaces {
		total += taken
	}
	namespacesHere.Set(float64(total))
}
