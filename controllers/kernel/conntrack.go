// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Of linux/netfilter/nfnetlink_conntrack.h.
const (
	ctGet = 1 // IPCTNL_MSG_CT_GET

	ctaTupleOriginal = 1 // CTA_TUPLE_ORIG
	ctaTupleReply    = 2 // CTA_TUPLE_REPLY
	ctaTimeout       = 7 // CTA_TIMEOUT

	ctaTupleIP    = 1 // CTA_TUPLE_IP
	ctaTupleProto = 2 // CTA_TUPLE_PROTO

	ctaProtocolNumber = 1 // CTA_PROTO_NUM
)

// Translations lists what connection tracking of a namespace has made of the addresses of pings: of one that a
// chain dropped, it has nothing. A kernel without its netlink interface lists none.
func (k *Kernel) Translations(_ context.Context, namespace string) ([]state.Translation, error) {
	var found []connection
	err := k.withSession(func(s *session) (err error) {
		if _, err = s.enter(namespace); err == nil {
			found, err = connections()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list tracked connections of %s: %w", namespace, err)
	}
	slices.SortStableFunc(found, func(a, b connection) int { return cmp.Compare(b.timeout, a.timeout) }) // the newest first
	translations := make([]state.Translation, 0, len(found))
	for _, c := range found {
		translations = append(translations, c.Translation)
	}
	return translations, nil
}

// connection is a tracked ping.
type connection struct {
	state.Translation
	timeout uint32
	isEcho  bool
}

// connections lists those of the thread's namespace.
func connections() (found []connection, err error) {
	c, err := rtnl.DialProtocol(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	err = c.Get(unix.NFNL_SUBSYS_CTNETLINK<<8|ctGet, unix.NLM_F_DUMP, func(msg []byte) error {
		if len(msg) < nl.SizeofNfgenmsg {
			return errors.New("truncated connection message")
		}
		var c connection
		err := rtnl.Attributes(msg[nl.SizeofNfgenmsg:], c.set)
		if err == nil && c.isEcho {
			found = append(found, c)
		}
		return err
	}, &nl.Nfgenmsg{NfgenFamily: unix.AF_UNSPEC})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil
	}
	return found, err
}

// set reads the addresses of both directions: the reply's are those of the translated request, exchanged.
func (c *connection) set(kind uint16, value []byte) error {
	switch kind {
	case ctaTupleOriginal:
		return c.setTuple(value, &c.Original)
	case ctaTupleReply:
		var reply state.AddressPair
		err := c.setTuple(value, &reply)
		c.Translated = state.AddressPair{Source: reply.Destination, Destination: reply.Source}
		return err
	case ctaTimeout:
		c.timeout = binary.BigEndian.Uint32(value)
	}
	return nil
}

func (c *connection) setTuple(tuple []byte, pair *state.AddressPair) error {
	return rtnl.Attributes(tuple, func(kind uint16, value []byte) error {
		return rtnl.Attributes(value, func(inner uint16, value []byte) error {
			switch {
			case kind == ctaTupleProto && inner == ctaProtocolNumber:
				c.isEcho = value[0] == unix.IPPROTO_ICMP || value[0] == unix.IPPROTO_ICMPV6
			case kind == ctaTupleIP && inner%2 == 1: // CTA_IP_V4_SRC, CTA_IP_V6_SRC
				pair.Source = rtnl.Addr(value)
			case kind == ctaTupleIP:
				pair.Destination = rtnl.Addr(value)
			}
			return nil
		})
	})
}
