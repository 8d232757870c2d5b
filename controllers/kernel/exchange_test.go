// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

// insideTutorial runs fn in the tutorial's router.
func insideTutorial(t *testing.T, fn func(d *door)) {
	t.Helper()
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	err := k.visit(func(v *visit) error {
		d, err := v.enter(router)
		if err == nil {
			fn(d)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestARefusedRequestIsItsErrno(t *testing.T) {
	insideTutorial(t, func(d *door) {
		nobody := nl.NewIfInfomsg(unix.AF_UNSPEC)
		nobody.Index = 4711
		if err := d.conn.send(unix.RTM_DELLINK, 0, nobody); !errors.Is(err, unix.ENODEV) {
			t.Errorf("deleting a link that is not there: %v", err)
		}
		if _, err := d.conn.links(); err != nil {
			t.Errorf("the next request: %v", err)
		}
	})
}

// Whoever reads an answer may give up in the middle; the rest of it is not the next one's.
func TestTheRestOfAnAnswerIsPassedOver(t *testing.T) {
	enough := errors.New("enough")
	insideTutorial(t, func(d *door) {
		seen := 0
		err := d.conn.get(unix.RTM_GETLINK, unix.NLM_F_DUMP, func([]byte) error { seen++; return enough }, nl.NewIfInfomsg(unix.AF_UNSPEC))
		if !errors.Is(err, enough) || seen != 1 {
			t.Errorf("after %d messages: %v", seen, err)
		}
		if links, err := d.conn.links(); err != nil || len(links) != 3 {
			t.Errorf("then there are %d links, %v", len(links), err)
		}
	})
}

func TestALongAnswerComesInParts(t *testing.T) {
	const many = 3000 // 44 bytes and more each, of which the kernel puts 32 KiB into a part
	insideTutorial(t, func(d *door) {
		for i := range many {
			request := addressRequest(loopbackIndex, prefixNumber(i), prefixNumber(i).Addr())
			if err := d.conn.send(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, request...); err != nil {
				t.Fatal(err)
			}
		}
		all, err := d.conn.addresses()
		if on := slices.DeleteFunc(all, func(a rawAddress) bool { return a.index != loopbackIndex }); err != nil || len(on) < many {
			t.Errorf("%d addresses of %d, %v", len(on), many, err)
		}
	})
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
	if err := a.read(done); err != nil || !a.complete || !errors.Is(a.result(), errInterrupted) {
		t.Errorf("a dump that met a change: complete %v, %v", a.complete, a.result())
	}
}

func rawMessage(kind, flags uint16, sequence uint32, payload string) []byte {
	request := nl.NetlinkRequest{NlMsghdr: unix.NlMsghdr{Len: unix.SizeofNlMsghdr, Type: kind, Flags: flags, Seq: sequence}}
	request.AddRawData([]byte(payload))
	return request.Serialize()
}

// The kernel's messages tell the same as its files, whatever the value.
func TestSettingsInMessagesAreThoseInFiles(t *testing.T) {
	insideTutorial(t, func(d *door) {
		born, err := d.conn.netconf()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(born)) {
			for _, value := range []string{"1", "0"} {
				if err := d.writeSysctl(name, value); err != nil {
					t.Fatal(err)
				}
				told, err := d.conn.netconf()
				if err != nil || told[name] != value {
					t.Errorf("%s is %s, the message says %q, %v", name, value, told[name], err)
				}
			}
			if !slices.Contains(state.NamespaceSysctls, name) {
				t.Errorf("no State has %s", name)
			}
		}
		if len(born) != 6 {
			t.Errorf("the messages tell %v", born)
		}
	})
}

// prefixNumber is one of many host addresses.
func prefixNumber(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 99, byte(i >> 8), byte(i)}), 32)
}
