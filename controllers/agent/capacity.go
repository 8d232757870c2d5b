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

// ledger knows which labs agents have built on this machine and how many network namespaces
// each takes. It is filled from the kernel's marks when the agent starts, so what a lab takes
// is not given to another only because the agent was restarted.
type ledger struct {
	maxLabs, maxNamespaces int

	mu      sync.Mutex
	entries map[state.Identity]int
	// condemned are labs that are known to be deleted.
	condemned map[state.Identity]bool
}

func newLedger(maxLabs, maxNamespaces int) *ledger {
	labsLimit.Set(float64(maxLabs))
	namespacesLimit.Set(float64(maxNamespaces))
	return &ledger{
		maxLabs: maxLabs, maxNamespaces: maxNamespaces,
		entries:   map[state.Identity]int{},
		condemned: map[state.Identity]bool{},
	}
}

// read enters every lab that bears an agent's mark.
func (l *ledger) read(ctx context.Context, k Kernel) error {
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
		l.enter(id, len(found.State))
	}
	return nil
}

func (l *ledger) enter(id state.Identity, namespaces int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[id] = namespaces
	l.publish()
}

// admit enters a lab unless that would exceed a limit, which it then names. A lab that is
// already there stays entered with what it took before.
func (l *ledger) admit(id state.Identity, namespaces int) (overLimit string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	labs, total := 1, namespaces
	for other, taken := range l.entries {
		if other != id {
			labs++
			total += taken
		}
	}
	switch {
	case l.maxLabs > 0 && labs > l.maxLabs:
		return fmt.Sprintf("this node may carry %s (--max-labs)", status.CountOf(l.maxLabs, "lab"))
	case l.maxNamespaces > 0 && total > l.maxNamespaces:
		return fmt.Sprintf("the lab needs %s and this node has room for %d of %d (--max-namespaces)",
			status.CountOf(namespaces, "namespace"), max(0, l.maxNamespaces-total+namespaces), l.maxNamespaces)
	}
	l.entries[id] = namespaces
	l.publish()
	return ""
}

// forget strikes a lab that was removed.
func (l *ledger) forget(id state.Identity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.entries, id)
	l.publish()
}

// named lists the entries of one name, more than one if a lab was deleted and made anew, and
// the labs of that name that are condemned.
func (l *ledger) named(lab types.NamespacedName) (here []state.Identity, condemned map[state.Identity]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	condemned = map[state.Identity]bool{}
	for id := range l.entries {
		if id.Namespace == lab.Namespace && id.Name == lab.Name {
			here = append(here, id)
		}
	}
	for id := range l.condemned {
		if id.Namespace == lab.Namespace && id.Name == lab.Name {
			condemned[id] = true
		}
	}
	return here, condemned
}

// condemn says that a lab is deleted, entered or not: it may be about to be built.
func (l *ledger) condemn(id state.Identity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.condemned[id] = true
}

// acquit forgets sentences that were carried out.
func (l *ledger) acquit(done map[state.Identity]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range done {
		delete(l.condemned, id)
	}
}

// publish is called with the lock held.
func (l *ledger) publish() {
	total := 0
	for _, taken := range l.entries {
		total += taken
	}
	namespacesHere.Set(float64(total))
}
