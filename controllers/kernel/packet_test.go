// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/capture/filter"
	"github.com/netlab-dev/netlab/controllers/kernel/socket"
	"github.com/netlab-dev/netlab/controllers/packet"
	"github.com/netlab-dev/netlab/controllers/state"
)

// The frames of this test, with an EtherType that the kernel leaves alone.
const (
	plainFrame  = "ffffffffffff" + "020000000001" + "88b5" + "706c61696e"
	taggedFrame = "ffffffffffff" + "020000000001" + "8100" + "e00a" + "88b5" + "746167676564"
)

func TestAPacketSocketHearsFramesAsTheyWereSent(t *testing.T) {
	k := newKernel(t, Options{})
	convergeActive(t, k)
	for _, frame := range []string{plainFrame, taggedFrame} {
		c := dialPacket(t, k, router, "l1")
		before := time.Now()
		sendFrame(t, k, ns1, "l1", frame)
		p := hear(t, c, "88b5")
		if got := hex.EncodeToString(p.Data); got != frame || p.Length != len(frame)/2 {
			t.Errorf("heard %s, %d bytes, of %s", got, p.Length, frame)
		}
		if p.Time.Before(before) || p.Time.After(time.Now()) {
			t.Errorf("at %s, sent at %s", p.Time, before)
		}
		if i, err := c.Interface(p.Index); err != nil || i.Name != "l1" || i.Hardware != unix.ARPHRD_ETHER {
			t.Errorf("on %+v, %v", i, err)
		}
		if counted, err := c.Statistics(); counted.Accepted == 0 || counted.Dropped != 0 || err != nil {
			t.Errorf("counted %+v, %v", counted, err)
		}
	}
}

func TestAPacketSocketHearsItsInterfaceOrAll(t *testing.T) {
	k := newKernel(t, Options{})
	convergeActive(t, k)
	one, all := dialPacket(t, k, router, "l1"), dialPacket(t, k, router, "")
	sendFrame(t, k, ns2, "l2", plainFrame)
	sendFrame(t, k, ns1, "l1", taggedFrame)
	if got := hex.EncodeToString(hear(t, one, "88b5").Data); got != taggedFrame {
		t.Errorf("the socket of l1 hears %s", got)
	}
	if got := hex.EncodeToString(hear(t, all, "88b5").Data); got != plainFrame {
		t.Errorf("the socket of all hears %s", got)
	}
	if n := len(all.Interfaces()); n != 3 {
		t.Errorf("%d interfaces", n)
	}
	_, err := k.DialPacket(router, packet.Options{Interface: "l3"})
	if want := "listen to packets in " + router + `: no such interface: "l3"; interfaces: lo, l1, l2`; !errors.Is(err, packet.ErrNoInterface) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// The kernel takes the VLAN tag out of a frame before a filter sees it.
func TestAPacketSocketHearsWhatItsFilterAccepts(t *testing.T) {
	k := newKernel(t, Options{})
	convergeActive(t, k)
	for text, want := range map[string]string{"vlan 10": taggedFrame, "not vlan and ether src 02:00:00:00:00:01": plainFrame, "vlan 10 and ether proto 0x88b5": taggedFrame} {
		program, err := filter.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := k.DialPacket(router, packet.Options{Interface: "l1", Filter: program})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			sendFrame(t, k, ns1, "l1", plainFrame)
			sendFrame(t, k, ns1, "l1", taggedFrame)
		}
		for range 2 {
			if got := hex.EncodeToString(hear(t, c, "88b5").Data); got != want {
				t.Errorf("%s hears %s", text, got)
			}
		}
		if counted, err := c.Statistics(); counted.Accepted != 2 || err != nil {
			t.Errorf("%s: counted %+v, %v", text, counted, err)
		}
		_ = c.Close()
	}
}

// On lo every packet leaves and comes in; a capture shows it once, as tcpdump does.
func TestLoopbackPacketsAreHeardOnce(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	c := dialPacket(t, k, ns1, "lo")
	sh(t, "ip netns exec "+ns1+" ping -c 1 -W 5 127.0.0.1")
	if err := c.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	heard := 0
	for {
		p, err := c.Read()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !p.Twice {
			heard++
		}
	}
	if heard != 2 {
		t.Errorf("heard %d packets of a request and its reply", heard)
	}
}

func TestAPacketSocketKnowsTheEndOfItsLab(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	one, all := dialPacket(t, k, router, "l1"), dialPacket(t, k, router, "")
	if one.Deleted() || all.Deleted() {
		t.Error("deleted before it is")
	}
	converge(t, k, state.State{})
	if !one.Down() || one.Down() || all.Down() {
		t.Error("only the socket of l1 says that it is down, once")
	}
	if !one.Deleted() || !all.Deleted() {
		t.Error("not deleted")
	}
	converge(t, k, tutorialLab())
	if !all.Deleted() {
		t.Error("another namespace of that name is taken for the one that was deleted")
	}
}

// convergeActive builds the tutorial's lab and waits until its links carry packets: for a moment
// after both ends are up, the kernel drops what is sent.
func convergeActive(t *testing.T, k *Kernel) {
	t.Helper()
	converge(t, k, tutorialLab())
	sh(t, "ip netns exec "+ns1+" ping -c 1 -W 10 198.51.100.1")
}

func dialPacket(t *testing.T, k *Kernel, namespace, link string) *socket.PacketConn {
	t.Helper()
	c, err := k.DialPacket(namespace, packet.Options{Interface: link})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// hear reads until a frame of that EtherType comes: IPv6 talks by itself.
func hear(t *testing.T, c *socket.PacketConn, etherType string) packet.Packet {
	t.Helper()
	want, _ := hex.DecodeString(etherType)
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for {
		p, err := c.Read()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(p.Data[12:18], want) {
			return p
		}
	}
}

func sendFrame(t *testing.T, k *Kernel, namespace, link, frame string) {
	t.Helper()
	data, err := hex.DecodeString(frame)
	if err != nil {
		t.Fatal(err)
	}
	index := dialPacket(t, k, namespace, link).Interfaces()[0].Index
	err = k.Enter(namespace, func() error {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, data, 0, &unix.SockaddrLinklayer{Ifindex: index})
	})
	if err != nil {
		t.Fatal(err)
	}
}
