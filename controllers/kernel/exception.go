// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
)

// flushRoutes4 is the setting that makes IPv4 forget path MTUs and redirects when it is written. Before Linux 5.4 a namespace of
// an ordinary user does not have it.
const flushRoutes4 = "ipv4/route/flush"

// ForgetExceptions makes network namespaces forget what routers have told them of single destinations: how large
// a packet may be on its way, and by which next hop to send it. The kernel calls these exceptions of its routes. A
// namespace that is gone has forgotten everything.
func (k *Kernel) ForgetExceptions(ctx context.Context, namespaces []string) error {
	err := k.eachNamespace(namespaces, func(h *handle) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := h.writeSetting(flushRoutes4, 1)
		if errors.Is(err, unix.ENOENT) {
			err = nil
		}
		return errors.Join(err, forgetExceptions6())
	})
	if err != nil {
		return fmt.Errorf("delete cached path MTUs and redirects: %w", err)
	}
	return nil
}

// forgetExceptions6 works in the namespace that the thread is in. A list that met a change is begun again, on a
// new socket.
func forgetExceptions6() error {
	for attempt := 1; ; attempt++ {
		c, err := dial()
		if err != nil {
			return err
		}
		err = c.deleteLearned6()
		c.Close()
		if !errors.Is(err, rtnl.ErrInterrupted) || attempt == maxReads {
			return err
		}
	}
}

// deleteLearned6 deletes the copies of IPv6 routes that the kernel keeps for single destinations: each holds
// what it has learned of one. Writing net.ipv6.route.flush would leave those alone whose time is not up.
func (c *conn) deleteLearned6() error {
	var learned []asReceived
	header := unix.RtMsg{Family: unix.AF_INET6, Flags: unix.RTM_F_CLONED}
	err := c.Get(unix.RTM_GETROUTE, unix.NLM_F_DUMP, func(msg []byte) error {
		if len(msg) < unix.SizeofRtMsg {
			return errors.New("truncated route message")
		}
		if nl.DeserializeRtMsg(msg).Flags&unix.RTM_F_CLONED != 0 { // a kernel may list the others, too
			learned = append(learned, asReceived(bytes.Clone(msg)))
		}
		return nil
	}, &nl.RtMsg{RtMsg: header})
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list cached IPv6 routes: %w", err)
	}
	for _, copied := range learned {
		if err := c.Send(unix.RTM_DELROUTE, 0, copied); err != nil && !rtnl.IsGone(err) {
			return fmt.Errorf("delete cached IPv6 routes: %w", err)
		}
	}
	return nil
}

// asReceived is a message of the kernel that goes back to it.
type asReceived []byte

func (m asReceived) Len() int          { return len(m) }
func (m asReceived) Serialize() []byte { return m }

var _ nl.NetlinkRequestData = asReceived(nil)
