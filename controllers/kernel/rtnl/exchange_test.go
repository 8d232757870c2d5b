// SPDX-License-Identifier: Apache-2.0

package rtnl

import (
	"errors"
	"slices"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// TestMain runs every test of this package as root of a machine of its own.
func TestMain(m *testing.M) { sandbox.TestMain(m) }

// loopbackIndex is the index of lo in every network namespace.
const loopbackIndex = 1

// newNamespace returns a connection in a network namespace that has only lo.
func newNamespace(t *testing.T) *Conn {
	t.Helper()
	home, err := netns.FindHome()
	if err != nil {
		t.Fatal(err)
	}
	var c *Conn
	err = home.Do(func(thread *netns.Thread) error {
		ns, err := thread.Unshare()
		if err != nil {
			return err
		}
		defer ns.Close()
		defer thread.Forget(ns)
		c, err = Dial()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// count is the number of messages of a dump.
func (c *Conn) count(kind int, data nl.NetlinkRequestData) (n int, err error) {
	err = c.Get(kind, unix.NLM_F_DUMP, func([]byte) error { n++; return nil }, data)
	return n, err
}

func TestARefusedRequestIsItsErrno(t *testing.T) {
	c := newNamespace(t)
	missing := nl.NewIfInfomsg(unix.AF_UNSPEC)
	missing.Index = 4711
	if err := c.Send(unix.RTM_DELLINK, 0, missing); !errors.Is(err, unix.ENODEV) || !IsGone(err) {
		t.Errorf("deleting a link that is not there: %v", err)
	}
	if n, err := c.count(unix.RTM_GETLINK, nl.NewIfInfomsg(unix.AF_UNSPEC)); n != 1 || err != nil {
		t.Errorf("the next request: %d links, %v", n, err)
	}
}

// The reader of an answer may give up in the middle; the rest of it is not the next one's.
func TestTheRestOfAnAnswerIsPassedOver(t *testing.T) {
	c := newNamespace(t)
	if err := c.Send(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, address(0)...); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, address(1)...); err != nil {
		t.Fatal(err)
	}
	enough, seen := errors.New("enough"), 0
	err := c.Get(unix.RTM_GETADDR, unix.NLM_F_DUMP, func([]byte) error { seen++; return enough }, nl.NewIfAddrmsg(unix.AF_INET))
	if !errors.Is(err, enough) || seen != 1 {
		t.Errorf("after %d messages: %v", seen, err)
	}
	if n, err := c.count(unix.RTM_GETLINK, nl.NewIfInfomsg(unix.AF_UNSPEC)); n != 1 || err != nil {
		t.Errorf("then there are %d links, %v", n, err)
	}
}

func TestALongAnswerComesInParts(t *testing.T) {
	const many = 3000 // 44 bytes and more each, of which the kernel puts 32 KiB into a part
	c := newNamespace(t)
	for i := range many {
		if err := c.Send(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, address(i)...); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := c.count(unix.RTM_GETADDR, nl.NewIfAddrmsg(unix.AF_INET)); n != many || err != nil {
		t.Errorf("%d addresses of %d, %v", n, many, err)
	}
}

// address is one of many host addresses on lo.
func address(i int) []nl.NetlinkRequestData {
	header := nl.NewIfAddrmsg(unix.AF_INET)
	header.Index, header.Prefixlen = loopbackIndex, 32
	return []nl.NetlinkRequestData{header, nl.NewRtAttr(unix.IFA_LOCAL, []byte{10, 99, byte(i >> 8), byte(i)})}
}

// What is cut short is no answer; what is another request's is not this one's.
func TestAnswersAreTakenApart(t *testing.T) {
	var seen []string
	a := &answer{sequence: 7, each: func(msg []byte) error { seen = append(seen, string(msg)); return nil }}
	datagram := slices.Concat(rawMessage(unix.RTM_NEWLINK, unix.NLM_F_MULTI, 6, "late"), rawMessage(unix.RTM_NEWLINK, unix.NLM_F_MULTI, 7, "mine"))
	if err := a.read(datagram); err != nil || a.complete || !slices.Equal(seen, []string{"mine"}) {
		t.Errorf("%v, complete %v, %v", seen, a.complete, err)
	}
	if err := a.read(datagram[:len(datagram)-1]); err == nil {
		t.Error("a message that is cut short is taken")
	}
	done := rawMessage(unix.NLMSG_DONE, unix.NLM_F_MULTI|unix.NLM_F_DUMP_INTR, 7, "\x00\x00\x00\x00")
	if err := a.read(done); err != nil || !a.complete || !errors.Is(a.result(), ErrInterrupted) {
		t.Errorf("a dump that met a change: complete %v, %v", a.complete, a.result())
	}
}

func rawMessage(kind, flags uint16, sequence uint32, payload string) []byte {
	request := nl.NetlinkRequest{NlMsghdr: unix.NlMsghdr{Len: unix.SizeofNlMsghdr, Type: kind, Flags: flags, Seq: sequence}}
	request.AddRawData([]byte(payload))
	return request.Serialize()
}
