// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"os"
	"sync"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
)

// Follow makes the events of a lab's namespace reach Watch, until the namespace ends. It is cheap
// where that is so already. What changed before is not told: observe afterwards.
//
// The kernel tells about another namespace only if that has a number here, an nsid.
func (k *Kernel) Follow(namespace string) error {
	home, err := dial()
	if err != nil {
		return fmt.Errorf("follow %s: %w", namespace, err)
	}
	defer home.Close()
	ns, err := openNamespace(namespace)
	if err != nil {
		return fmt.Errorf("follow %s: %w", namespace, err)
	}
	defer ns.Close()
	if _, err := home.EnsureNSID(int(ns)); err != nil {
		return fmt.Errorf("follow %s: %w", namespace, err)
	}
	return nil
}

// unknownNamespace is the name of a namespace that is not in NamespaceDir.
const unknownNamespace = ""

// nsidNames says which namespace of NamespaceDir an nsid means. It only remembers what the kernel
// says: an nsid is used again when its namespace has ended, and is dropped by then.
type nsidNames struct {
	mu    sync.Mutex
	names map[int32]string
}

// find returns the name behind an nsid, or unknownNamespace.
func (n *nsidNames) find(nsid int32) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if name, ok := n.names[nsid]; ok {
		return name, nil
	}
	names, err := namesByNsid()
	if err != nil {
		return "", err
	}
	if _, ok := names[nsid]; !ok {
		names[nsid] = unknownNamespace
	}
	n.names = names
	return names[nsid], nil
}

// drop forgets an nsid that is somebody else's from now on.
func (n *nsidNames) drop(nsid int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.names, nsid)
}

// dropAll forgets everything, after news may have been lost or names have changed.
func (n *nsidNames) dropAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names = nil
}

// namesByNsid asks the kernel for the nsid of every namespace in NamespaceDir. It leaves out files
// that are no namespaces, and namespaces nobody follows.
func namesByNsid() (map[int32]string, error) {
	home, err := dial()
	if err != nil {
		return nil, err
	}
	// A failed request leaves nothing half read behind: none of them is a dump.
	defer home.Close()
	entries, err := os.ReadDir(NamespaceDir)
	if err != nil {
		return nil, err
	}
	names := make(map[int32]string, len(entries))
	for _, entry := range entries {
		if nsid, err := home.nsidOfName(entry.Name()); err == nil && nsid != rtnl.NoNSID {
			names[nsid] = entry.Name()
		}
	}
	return names, nil
}

func (c *conn) nsidOfName(name string) (int32, error) {
	ns, err := openNamespace(name)
	if err != nil {
		return 0, err
	}
	defer ns.Close()
	return c.NSID(int(ns))
}
