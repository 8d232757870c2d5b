// SPDX-License-Identifier: Apache-2.0

package capture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/packet"
)

// The ARPHRD_ numbers of these tests.
const (
	ethernet, loopback, none = 1, 772, 0xfffe
	ieee802154               = 804
)

// tap is a socket that hears some packets, then fails, or hears nothing more.
type tap struct {
	interfaces []packet.Interface
	packets    []packet.Packet
	fails      error
	deleted    bool
	down       bool
	dropped    uint64
	read       int
	closed     bool
	// counted is called for each look at the counts.
	counted func()
}

func (p *tap) Interfaces() []packet.Interface { return p.interfaces[:2] }

func (p *tap) Interface(index int) (packet.Interface, error) {
	for _, i := range p.interfaces {
		if i.Index == index {
			return i, nil
		}
	}
	return packet.Interface{}, errors.New("it has gone")
}

func (p *tap) Read() (packet.Packet, error) {
	if p.fails != nil {
		return packet.Packet{}, p.fails
	}
	if len(p.packets) == 0 {
		return packet.Packet{}, os.ErrDeadlineExceeded
	}
	next := p.packets[0]
	p.packets = p.packets[1:]
	p.read++
	return next, nil
}

func (p *tap) Statistics() (packet.Statistics, error) {
	if p.counted != nil {
		p.counted()
	}
	s := packet.Statistics{Accepted: uint64(p.read + len(p.packets)), Dropped: p.dropped}
	if p.fails != nil {
		s.Accepted++
	}
	return s, nil
}

func (p *tap) SetReadDeadline(time.Time) error { return nil }
func (p *tap) Down() bool                      { return p.down }
func (p *tap) Deleted() bool                   { return p.deleted }
func (p *tap) Close() error                    { p.closed = true; return nil }

func newTap(packets ...packet.Packet) *tap {
	return &tap{packets: packets, interfaces: []packet.Interface{
		{Index: 1, Name: "lo", Hardware: loopback}, {Index: 2, Name: "l1", Hardware: ethernet},
		{Index: 3, Name: "tun0", Hardware: none}, {Index: 4, Name: "radio", Hardware: ieee802154},
	}}
}

func at(node string, p *tap) []capture.Source {
	return []capture.Source{{Tap: p, Node: node, Ends: map[string]string{"l1": "link l1 to ns1"}}}
}

func frame(index int, data string) packet.Packet {
	return packet.Packet{Index: index, Time: time.Unix(1700000000, 123456789), Data: []byte(data), Length: len(data) + 5}
}

func TestAFileSaysWhatPassedWhereAndWhen(t *testing.T) {
	p := newTap(frame(2, "first"), frame(3, "late interface"), frame(1, "loop"), frame(4, "no link type"), frame(9, "gone"), frame(2, "last"), frame(2, "too many"))
	p.dropped = 3
	summary, file := record(t, p, capture.Options{Packets: 4})
	if want := (capture.Summary{Packets: 4, Dropped: 3, Ending: capture.LimitReached}); summary != want {
		t.Errorf("got %+v", summary)
	}
	want := `l1 Ethernet 1700000000.123456789 10 first
tun0 Raw 1700000000.123456789 19 late interface
lo Ethernet 1700000000.123456789 9 loop
l1 Ethernet 1700000000.123456789 9 last
lo: 1
l1: 2
tun0: 1
`
	if got := read(t, file); got != want {
		t.Errorf("the file says\n%swant\n%s", got, want)
	}
	if !p.closed {
		t.Error("the socket is open")
	}
}

// Packets of all sources are in one file in the order of their times, whichever socket is read first. Interfaces
// have the names of their nodes and links.
func TestOneFileOfSeveralNodes(t *testing.T) {
	after := func(p packet.Packet, microseconds int) packet.Packet {
		p.Time = p.Time.Add(time.Duration(microseconds) * time.Microsecond)
		return p
	}
	far := newTap(after(frame(2, "second"), 5), after(frame(2, "fourth"), 20))
	near := newTap(frame(2, "first"), after(frame(2, "third"), 20), after(frame(2, "fifth"), 21))
	far.dropped = 7
	sources := append(at("ns1", near), at("router", far)...)
	var file bytes.Buffer
	summary, err := capture.Record(t.Context(), sources, capture.Options{Packets: 5}, &file)
	want := capture.Summary{Packets: 5, Dropped: 7, DroppedAt: "router 7", Ending: capture.LimitReached}
	if err != nil || summary != want {
		t.Errorf("got %+v, %v", summary, err)
	}
	reader, err := pcapgo.NewNgReader(&file, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		data, info, err := reader.ReadPacketData()
		if err != nil {
			break
		}
		i, _ := reader.Interface(info.InterfaceIndex)
		got = append(got, fmt.Sprintf("%s (%s): %s", i.Name, i.Description, data))
	}
	const ns1, router = "ns1:l1 (node ns1, link l1 to ns1): ", "router:l1 (node router, link l1 to ns1): "
	if order := []string{ns1 + "first", router + "second", ns1 + "third", router + "fourth", ns1 + "fifth"}; !slices.Equal(got, order) {
		t.Errorf("the file has\n%s", strings.Join(got, "\n"))
	}
}

// One interface that goes down, or one node that leaves the lab, does not end a capture of several.
func TestACaptureOfSeveralGoesOn(t *testing.T) {
	down, deleted, alive := newTap(frame(2, "down")), newTap(frame(2, "deleted")), newTap(frame(2, "alive"))
	down.down, deleted.deleted = true, true
	sources := slices.Concat(at("a", down), at("b", deleted), at("c", alive))
	o := capture.Options{Duration: 3 * time.Millisecond}
	closedBefore := false
	alive.counted = func() { closedBefore = deleted.closed }
	summary, err := capture.Record(t.Context(), sources, o, io.Discard)
	if want := (capture.Summary{Packets: 3, Ending: capture.LimitReached}); err != nil || summary != want {
		t.Errorf("got %+v, %v", summary, err)
	}
	if !closedBefore {
		t.Error("the socket of a deleted namespace was open until the end")
	}
	for _, p := range []*tap{down, deleted, alive} {
		if !p.closed {
			t.Error("a socket is open")
		}
	}
}

// However a capture ends, its file is complete.
func TestEndings(t *testing.T) {
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	for name, c := range map[string]struct {
		ctx     context.Context
		change  func(*tap)
		options capture.Options
		want    capture.Ending
	}{
		"interrupted":           {interrupted, func(*tap) {}, capture.Options{}, capture.Interrupted},
		"enough packets":        {t.Context(), func(*tap) {}, capture.Options{Packets: 1}, capture.LimitReached},
		"long enough":           {t.Context(), func(*tap) {}, capture.Options{Duration: time.Millisecond}, capture.LimitReached},
		"the interface is down": {t.Context(), func(p *tap) { p.down = true }, capture.Options{}, capture.LinkDown},
		"the lab is gone":       {t.Context(), func(p *tap) { p.deleted = true }, capture.Options{}, capture.LabDeleted},
	} {
		p := newTap(frame(2, "one"))
		c.change(p)
		var file bytes.Buffer
		summary, err := capture.Record(c.ctx, at("router", p), c.options, &file)
		if err != nil || summary.Ending != c.want {
			t.Errorf("%s: %+v, %v", name, summary, err)
		}
		if got := read(t, &file); !strings.Contains(got, fmt.Sprintf("l1: %d\n", summary.Packets)) {
			t.Errorf("%s: the file says\n%s", name, got)
		}
	}
}

func TestWhatWentWrong(t *testing.T) {
	p := newTap()
	p.fails = errors.New("a broken socket")
	var file bytes.Buffer
	if _, err := capture.Record(t.Context(), at("router", p), capture.Options{}, &file); err == nil || err.Error() != "capture: a broken socket" {
		t.Errorf("got %v", err)
	}
	if got := read(t, &file); got != "lo: 0\nl1: 0\n" {
		t.Errorf("the file says\n%s", got)
	}
	full, writer := io.Pipe()
	_ = full.CloseWithError(errors.New("a full disk"))
	if _, err := capture.Record(t.Context(), at("router", newTap()), capture.Options{}, writer); err == nil || !strings.Contains(err.Error(), "a full disk") {
		t.Errorf("got %v", err)
	}
	p = newTap()
	p.interfaces = p.interfaces[2:]
	p.interfaces[0].Hardware = ieee802154
	if _, err := capture.Record(t.Context(), at("router", p), capture.Options{}, io.Discard); err == nil || !strings.Contains(err.Error(), "pcapng cannot describe") {
		t.Errorf("got %v", err)
	}
}

func record(t *testing.T, p *tap, o capture.Options) (capture.Summary, io.Reader) {
	t.Helper()
	var file bytes.Buffer
	summary, err := capture.Record(t.Context(), at("router", p), o, &file)
	if err != nil {
		t.Fatal(err)
	}
	return summary, &file
}

// read is what a file says: its packets, then what passed each interface.
func read(t *testing.T, file io.Reader) string {
	t.Helper()
	reader, err := pcapgo.NewNgReader(file, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for {
		data, info, err := reader.ReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		i, _ := reader.Interface(info.InterfaceIndex)
		fmt.Fprintf(&b, "%s %s %d.%d %d %s\n", i.Name, i.LinkType, info.Timestamp.Unix(), info.Timestamp.Nanosecond(), info.Length, data)
	}
	for id := range reader.NInterfaces() {
		i, _ := reader.Interface(id)
		fmt.Fprintf(&b, "%s: %d\n", i.Name, i.Statistics.PacketsReceived)
	}
	return b.String()
}
