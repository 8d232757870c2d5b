// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
)

// Enter runs fn in a lab's network namespace, on a thread of its own. fn sees everything else,
// mounts included, as the process does. Sockets that fn opens stay in the namespace; fn must not
// start goroutines that rely on it.
func (k *Kernel) Enter(namespace string, fn func() error) error {
	return k.home.Do(func(t *netns.Thread) error {
		ns, err := openNamespace(namespace)
		if err != nil {
			return err
		}
		defer ns.Close()
		if err := t.Enter(ns); err != nil {
			return fmt.Errorf("enter %s: %w", namespace, err)
		}
		return fn()
	})
}
