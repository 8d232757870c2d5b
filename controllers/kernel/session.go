// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
)

// session is the work of one locked thread in any number of namespaces. Changing the namespace takes
// microseconds, so the thread returns home only at the end. Everything that the session opened in a
// namespace is closed by then: a file or socket would keep a deleted namespace alive.
type session struct {
	thread  *netns.Thread
	handles map[string]*handle
	// home is a socket in the process's own namespace; nil until needed.
	home *conn
	// cache outlives the session.
	cache *settingCache
	// neighbours outlives it too.
	neighbours *neighbourCache
	// waking is what the session made and may not carry packets yet.
	waking waking
}

// handle is an open namespace.
type handle struct {
	name string
	ns   netns.Handle
	conn *conn
	// cookie identifies this network namespace among all that ever were; 0 before Linux 5.14.
	cookie uint64
	// settings are open files of settings, from the cache and for it; nil until needed.
	settings *settingFiles
	cache    *settingCache
	// neighbours are the entries that NetLab wrote.
	neighbours *neighbourCache
	// indexes are those of links that were asked for, by name.
	indexes map[string]int
}

func (k *Kernel) withSession(fn func(*session) error) error {
	return k.home.Do(func(t *netns.Thread) error {
		s := &session{thread: t, handles: map[string]*handle{}, cache: k.settings, neighbours: k.neighbours}
		defer s.closeAll()
		return fn(s)
	})
}

// enter moves the thread into a namespace and returns its handle.
func (s *session) enter(namespace string) (*handle, error) {
	if h, ok := s.handles[namespace]; ok {
		return h, s.thread.Enter(h.ns)
	}
	ns, err := openNamespace(namespace)
	if err != nil {
		return nil, err
	}
	return s.enterOpen(namespace, ns)
}

// enterOpen moves the thread into an open namespace and returns its handle, which owns ns from here on.
// A handle that exists already stays.
func (s *session) enterOpen(namespace string, ns netns.Handle) (*handle, error) {
	if h, ok := s.handles[namespace]; ok {
		ns.Close() //nolint:errcheck // opened for reading
		return h, s.thread.Enter(h.ns)
	}
	if err := s.thread.Enter(ns); err != nil {
		ns.Close() //nolint:errcheck // opened for reading
		return nil, err
	}
	return s.newHandle(namespace, ns)
}

// newHandle is for an open namespace that the thread is in.
func (s *session) newHandle(namespace string, ns netns.Handle) (*handle, error) {
	conn, err := dial()
	if err != nil {
		s.thread.Forget(ns)
		ns.Close() //nolint:errcheck // opened for reading
		return nil, err
	}
	h := &handle{name: namespace, ns: ns, conn: conn, cookie: conn.Cookie(), cache: s.cache, neighbours: s.neighbours, indexes: map[string]int{}}
	s.handles[namespace] = h
	return h, nil
}

// handle returns the handle of a namespace; the thread may stay where it is.
func (s *session) handle(namespace string) (*handle, error) {
	if h, ok := s.handles[namespace]; ok {
		return h, nil
	}
	return s.enter(namespace)
}

// close closes everything open in a namespace, and leaves it first.
func (s *session) close(namespace string) error {
	h, ok := s.handles[namespace]
	if !ok {
		return nil
	}
	delete(s.handles, namespace)
	defer h.close()
	if s.thread.IsIn(h.ns) {
		if err := s.thread.EnterHome(); err != nil {
			return fmt.Errorf("leave %s: %w", namespace, err)
		}
	}
	return nil
}

// homeConn is a socket in the process's own namespace.
func (s *session) homeConn() (*conn, error) {
	if s.home != nil {
		return s.home, nil
	}
	if err := s.thread.EnterHome(); err != nil {
		return nil, err
	}
	var err error
	s.home, err = dial()
	return s.home, err
}

// release returns all handles, which the caller closes, on any thread.
func (s *session) release() map[string]*handle {
	handles := s.handles
	s.handles = map[string]*handle{}
	return handles
}

func (s *session) closeAll() {
	if s.home != nil {
		s.home.Close()
	}
	for _, h := range s.handles {
		s.thread.Forget(h.ns)
		h.close()
	}
}

func (h *handle) close() {
	h.conn.Close()
	if h.settings != nil {
		h.cache.put(h.name, h.settings)
	}
	h.ns.Close() //nolint:errcheck // opened for reading
}
