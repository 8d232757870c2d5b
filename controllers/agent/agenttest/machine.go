// SPDX-License-Identifier: Apache-2.0

// Package agenttest connects an agent with a fake kernel: kernel events, and pings that go where
// the fake kernel's own forwarding decisions lead them.
package agenttest

import (
	"context"
	"encoding/binary"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Watch yields the network namespaces in which k reports a change, until ctx ends.
func Watch(k *fake.Kernel) func(ctx context.Context) (<-chan string, error) {
	return func(ctx context.Context) (<-chan string, error) {
		events, err := k.Watch(ctx)
		if err != nil {
			return nil, err
		}
		namespaces := make(chan string)
		go func() {
			defer close(namespaces)
			for e := range events {
				select {
				case namespaces <- e.Namespace:
				case <-ctx.Done():
				}
			}
		}()
		return namespaces, nil
	}
}

// Dial opens ICMP sockets in the namespaces of k.
func Dial(k *fake.Kernel) probe.Dialer {
	return func(_ context.Context, from string, _ probe.Options) (probe.Conn, error) {
		return &fakeConn{kernel: k, from: from, replies: make(chan fakeReply, 1), deadline: time.Now().Add(time.Hour)}, nil
	}
}

type fakeReply struct {
	message []byte
	src     netip.Addr
}

// fakeConn is a raw ICMP socket in a namespace of a fake kernel.
type fakeConn struct {
	kernel  *fake.Kernel
	from    string
	replies chan fakeReply

	mu       sync.Mutex
	deadline time.Time
}

func (c *fakeConn) WriteTo(icmp []byte, dst netip.Addr) error {
	walk, err := diagnose.Explain(context.Background(), c.kernel, state.Observation{State: c.kernel.State(), Settling: c.kernel.Settling()}, diagnose.Question{From: c.from, To: dst})
	switch {
	case err != nil:
		return err
	case walk.Cause.Reason == v1alpha1.ReasonNetworkUnreachable && len(walk.Forward) == 1:
		return syscall.ENETUNREACH
	case walk.Cause.Reason == v1alpha1.ReasonNoReply: // nothing on the way stops it
		c.replies <- fakeReply{echoReply(icmp), dst}
	}
	return nil
}

// echoReply turns a request into its reply, and its IPv4 checksum with it.
func echoReply(request []byte) []byte {
	reply := append([]byte(nil), request...)
	if reply[0] == 128 {
		reply[0] = 129
		return reply
	}
	reply[0] = 0
	sum := uint32(binary.BigEndian.Uint16(reply[2:])) + 8<<8
	binary.BigEndian.PutUint16(reply[2:], uint16(sum+sum>>16))
	return reply
}

func (c *fakeConn) ReadFrom(buf []byte) (int, netip.Addr, time.Time, error) {
	for {
		c.mu.Lock()
		left := time.Until(c.deadline)
		c.mu.Unlock()
		if left <= 0 {
			return 0, netip.Addr{}, time.Time{}, os.ErrDeadlineExceeded
		}
		select {
		case reply := <-c.replies:
			return copy(buf, reply.message), reply.src, time.Now(), nil
		case <-time.After(min(left, 10*time.Millisecond)):
		}
	}
}

func (c *fakeConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

func (c *fakeConn) Close() error { return nil }
