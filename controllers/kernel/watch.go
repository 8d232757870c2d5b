// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
)

// Event says that something changed. It is a hint: what changed is for the next Observe to find.
type Event struct {
	// Namespace is the name of the network namespace, empty if any may have changed.
	Namespace string
}

// anyNamespace is an Event's Namespace after which everything has to be compared.
const anyNamespace = netns.Anywhere

// Watch tells what changes in the namespaces that Follow was called for, and which mounts of
// namespaces come and go. Changes that nobody has taken yet are kept once per namespace. Whenever
// news may have been lost, the Event has no name. The channel is closed when ctx is done and
// nothing of the watch is left.
func (k *Kernel) Watch(ctx context.Context) (<-chan Event, error) {
	k.home.MustBeCurrent()
	socket, err := subscribe(eventBuffer)
	if err != nil {
		return nil, fmt.Errorf("watch kernel events: %w", err)
	}
	filters, err := subscribePacketFilters()
	if err != nil {
		socket.Close()
		return nil, fmt.Errorf("watch packet filters: %w", err)
	}
	mounts, err := netns.WatchMounts(NamespaceDir)
	if err != nil {
		socket.Close()
		filters.Close()
		return nil, fmt.Errorf("watch the mounts: %w", err)
	}
	return newWatcher(k.log).run(ctx, socket, filters, mounts), nil
}

// eventBuffer takes a burst of some ten thousand messages.
const eventBuffer = 8 << 20

// subscribe asks for the events of everything in State that has events, and of what else decides where packets
// go: policy rules and permanent neighbours.
func subscribe(buffer int) (*rtnl.Subscription, error) {
	return rtnl.Subscribe(unix.NETLINK_ROUTE, buffer,
		unix.RTNLGRP_LINK,
		unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR,
		unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE,
		unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE,
		unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF,
		unix.RTNLGRP_NEIGH,
		unix.RTNLGRP_TC,
		unix.RTNLGRP_NSID,
	)
}

// packetFilterBuffer takes the events of a ruleset of thousands of rules.
const packetFilterBuffer = 1 << 20

// subscribePacketFilters asks for the events of nftables. iptables-legacy has none. The kernel's modules may come
// later. It returns nil where the kernel cannot have them.
func subscribePacketFilters() (*rtnl.Subscription, error) {
	socket, err := rtnl.Subscribe(unix.NETLINK_NETFILTER, packetFilterBuffer, unix.NFNLGRP_NFTABLES)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil, nil
	}
	return socket, err
}

// watcher collects what its readers find.
type watcher struct {
	log     *slog.Logger
	pending *pending
	names   *nsidNames
}

func newWatcher(log *slog.Logger) *watcher {
	return &watcher{log: log, pending: newPending(), names: &nsidNames{}}
}

// run reads until ctx is done.
func (w *watcher) run(ctx context.Context, socket, filters *rtnl.Subscription, mounts *netns.MountTable) <-chan Event {
	events := make(chan Event)
	go func() {
		defer close(events)
		var readers sync.WaitGroup
		readers.Go(func() {
			w.readEvents(ctx, socket, func() (*rtnl.Subscription, error) { return subscribe(eventBuffer) })
		})
		readers.Go(func() { w.readEvents(ctx, filters, subscribePacketFilters) })
		readers.Go(func() { w.readMounts(ctx, mounts) })
		w.pending.deliver(ctx, events)
		readers.Wait()
	}()
	return events
}

// reopenPause keeps a socket that cannot be opened from being tried in a loop.
const reopenPause = time.Second

// readEvents reads until ctx is done. After any error it goes on with a new socket, and what
// the old one may have missed has to be compared.
func (w *watcher) readEvents(ctx context.Context, socket *rtnl.Subscription, subscribe func() (*rtnl.Subscription, error)) {
	for socket != nil {
		stop := context.AfterFunc(ctx, socket.Close)
		err := w.handleEvents(socket)
		stop()
		socket.Close()
		if ctx.Err() != nil {
			return
		}
		w.log.Warn("kernel events were lost", "error", err)
		socket = w.reopen(ctx, subscribe)
		w.names.dropAll()
		w.pending.add(anyNamespace)
	}
}

// reopen returns nil when ctx is done.
func (w *watcher) reopen(ctx context.Context, subscribe func() (*rtnl.Subscription, error)) *rtnl.Subscription {
	for {
		socket, err := subscribe()
		if err == nil {
			return socket
		}
		w.log.Error("kernel events cannot be read", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reopenPause):
		}
	}
}

// handleEvents returns when the socket fails, or is closed.
func (w *watcher) handleEvents(socket *rtnl.Subscription) error {
	for {
		event, err := socket.Receive()
		if err != nil {
			return err
		}
		if event.Own {
			err = w.handleOwn(event)
		} else {
			err = w.handleOther(event.NSID)
		}
		if err != nil {
			w.log.Error("A kernel event cannot be parsed", "error", err)
			w.pending.add(anyNamespace)
		}
	}
}

// handleOwn listens to the own namespace only for numbers that change their meaning.
func (w *watcher) handleOwn(event rtnl.Event) error {
	nsids, err := event.ChangedNSIDs()
	for _, nsid := range nsids {
		w.names.drop(nsid)
	}
	return err
}

func (w *watcher) handleOther(nsid int32) error {
	name, err := w.names.find(nsid)
	if err != nil {
		return fmt.Errorf("find the namespace with nsid %d: %w", nsid, err)
	}
	if name != unknownNamespace {
		w.pending.add(name)
	}
	return nil
}

// readMounts reads until ctx is done. A namespace that comes may be one that had a number before.
func (w *watcher) readMounts(ctx context.Context, mounts *netns.MountTable) {
	stop := context.AfterFunc(ctx, mounts.Close)
	defer stop()
	defer mounts.Close()
	err := mounts.Follow(func(changed []string) {
		w.names.dropAll()
		for _, name := range changed {
			w.pending.add(name)
		}
	})
	if ctx.Err() == nil {
		w.log.Error("mounts are no longer watched", "error", err)
	}
}

// pending are names that changed and that nobody has taken yet, each once, oldest first. However
// fast things change there are no more of them than namespaces, and adding one never waits.
type pending struct {
	mu    sync.Mutex
	queue []string
	known map[string]bool
	// added has a token when there may be a name.
	added chan struct{}
}

func newPending() *pending {
	return &pending{known: map[string]bool{}, added: make(chan struct{}, 1)}
}

// add notes a name; anyNamespace stands for all of them.
func (p *pending) add(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[name] || p.known[anyNamespace] {
		return
	}
	if name == anyNamespace {
		p.queue = nil
		clear(p.known)
	}
	p.queue = append(p.queue, name)
	p.known[name] = true
	select {
	case p.added <- struct{}{}:
	default:
	}
}

func (p *pending) take() (name string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return "", false
	}
	name = p.queue[0]
	p.queue = p.queue[1:]
	delete(p.known, name)
	return name, true
}

// deliver sends names until ctx is done.
func (p *pending) deliver(ctx context.Context, events chan<- Event) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.added:
		}
		for name, ok := p.take(); ok; name, ok = p.take() {
			select {
			case <-ctx.Done():
				return
			case events <- Event{Namespace: name}:
			}
		}
	}
}
