// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
)

// visit is one pass over namespaces on one locked thread. Changing the namespace takes
// microseconds, so it goes through as many as there are and comes home at the end. What it
// opens in a namespace is closed by then: a file or socket would keep a deleted one alive.
type visit struct {
	thread *netns.Thread
	doors  map[string]*door
	// home is a socket in the process' own namespace; nil until needed.
	home *conn
	// kept outlives the visit.
	kept *settingsDirs
}

// door is an open way into one namespace.
type door struct {
	name string
	ns   netns.Handle
	conn *conn
	// cookie is a number that the kernel has for this network namespace and will never have for
	// another; 0 before Linux 5.14, which has none.
	cookie uint64
	// settings are the open directories of /proc/sys/net as this namespace sees them, by path.
	settings map[string]int
	// kept has some of them open from an earlier visit, and takes them for the next one.
	kept *settingsDirs
	// indexes are those of links that were asked for, by name.
	indexes map[string]int
}

func (k *Kernel) visit(fn func(*visit) error) error {
	return k.home.Do(func(t *netns.Thread) error {
		v := &visit{thread: t, doors: map[string]*door{}, kept: k.kept}
		defer v.closeAll()
		return fn(v)
	})
}

// enter moves the thread into a namespace and returns its door.
func (v *visit) enter(namespace string) (*door, error) {
	if d, ok := v.doors[namespace]; ok {
		return d, v.thread.Enter(d.ns)
	}
	ns, err := openNamespace(namespace)
	if err != nil {
		return nil, err
	}
	return v.admit(namespace, ns)
}

// admit moves the thread into an open namespace and returns its door, which owns ns from here on.
// Where there is a door already, that one stays.
func (v *visit) admit(namespace string, ns netns.Handle) (*door, error) {
	if d, ok := v.doors[namespace]; ok {
		ns.Close() //nolint:errcheck // opened for reading
		return d, v.thread.Enter(d.ns)
	}
	if err := v.thread.Enter(ns); err != nil {
		ns.Close() //nolint:errcheck // opened for reading
		return nil, err
	}
	return v.furnish(namespace, ns)
}

// furnish makes a door of an open namespace that the thread is in.
func (v *visit) furnish(namespace string, ns netns.Handle) (*door, error) {
	conn, err := dial()
	if err != nil {
		v.thread.Forget(ns)
		ns.Close() //nolint:errcheck // opened for reading
		return nil, err
	}
	d := &door{name: namespace, ns: ns, conn: conn, cookie: conn.Cookie(), settings: map[string]int{}, kept: v.kept, indexes: map[string]int{}}
	v.doors[namespace] = d
	return d, nil
}

// knock returns the door of a namespace; the thread may stay where it is.
func (v *visit) knock(namespace string) (*door, error) {
	if d, ok := v.doors[namespace]; ok {
		return d, nil
	}
	return v.enter(namespace)
}

// close closes everything open in a namespace, and leaves it first.
func (v *visit) close(namespace string) error {
	d, ok := v.doors[namespace]
	if !ok {
		return nil
	}
	delete(v.doors, namespace)
	defer d.close()
	if v.thread.IsIn(d.ns) {
		if err := v.thread.EnterHome(); err != nil {
			return fmt.Errorf("leave %s: %w", namespace, err)
		}
	}
	return nil
}

// homeConn is a socket in the process' own namespace.
func (v *visit) homeConn() (*conn, error) {
	if v.home != nil {
		return v.home, nil
	}
	if err := v.thread.EnterHome(); err != nil {
		return nil, err
	}
	var err error
	v.home, err = dial()
	return v.home, err
}

// release returns what is open in namespaces, to be closed by the caller. The thread need not be in any
// of them for that.
func (v *visit) release() map[string]*door {
	doors := v.doors
	v.doors = map[string]*door{}
	return doors
}

func (v *visit) closeAll() {
	if v.home != nil {
		v.home.Close()
	}
	for _, d := range v.doors {
		v.thread.Forget(d.ns)
		d.close()
	}
}

func (d *door) close() {
	d.conn.Close()
	for path, dir := range d.settings {
		if !d.kept.take(d.name, d.cookie, path, dir) {
			unix.Close(dir) //nolint:errcheck // opened for reading
		}
	}
	d.ns.Close() //nolint:errcheck // opened for reading
}
