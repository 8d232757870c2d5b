// SPDX-License-Identifier: Apache-2.0

package capture_test

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/packet"
)

// The line of these tests: a - r - b, with the links l1 and l2, all captured.
var line = map[string]map[string]capture.End{
	"a": {"l1": {Node: "r", Interface: "l1"}},
	"r": {"l1": {Node: "a", Interface: "l1"}, "l2": {Node: "b", Interface: "l2"}},
	"b": {"l2": {Node: "r", Interface: "l2"}},
}

var owners = map[string]string{"10.0.1.1": "a", "10.0.1.2": "r", "10.0.2.1": "b"}

// seen is a packet at an interface, some microseconds after the first one.
type seen struct {
	node, link string
	out        bool
	at         int
	ttl        uint8
	from, to   string
	payload    string
	port       layers.UDPPort
}

func TestJourneys(t *testing.T) {
	const a, b, nat = "10.0.1.1", "10.0.2.1", "10.0.2.9"
	for name, c := range map[string]struct {
		seen []seen
		want string
	}{
		"it arrives": {
			[]seen{{"a", "l1", true, 0, 64, a, b, "", 1000}, {"r", "l1", false, 5, 64, a, b, "", 1000}, {"r", "l2", true, 9, 63, a, b, "", 1000}, {"b", "l2", false, 12, 63, a, b, "", 1000}},
			`UDP, 32 bytes
  a  l1  out        TTL 64  10.0.1.1:1000 > 10.0.2.1:53
  r  l1  in   +5µs  TTL 64  10.0.1.1:1000 > 10.0.2.1:53
  r  l2  out  +4µs  TTL 63  10.0.1.1:1000 > 10.0.2.1:53
  b  l2  in   +3µs  TTL 63  10.0.1.1:1000 > 10.0.2.1:53
  arrived at b after 12µs
`,
		},
		"NAT translates it": {
			[]seen{{"r", "l1", false, 0, 64, a, b, "", 1000}, {"r", "l2", true, 9, 63, nat, b, "", 2000}, {"b", "l2", false, 12, 63, nat, b, "", 2000}},
			`UDP, 32 bytes
  r  l1  in         TTL 64  10.0.1.1:1000 > 10.0.2.1:53
  r  l2  out  +9µs  TTL 63  10.0.2.9:2000 > 10.0.2.1:53  translated
  b  l2  in   +3µs  TTL 63  10.0.2.9:2000 > 10.0.2.1:53
  arrived at b after 12µs
`,
		},
		"a router drops it": {
			[]seen{{"a", "l1", true, 0, 64, a, b, "", 1000}, {"r", "l1", false, 5, 64, a, b, "", 1000}},
			`UDP, 32 bytes
  a  l1  out        TTL 64  10.0.1.1:1000 > 10.0.2.1:53
  r  l1  in   +5µs  TTL 64  10.0.1.1:1000 > 10.0.2.1:53
  stopped at r: it came in by l1 and did not leave
`,
		},
		"its TTL ends": {
			[]seen{{"r", "l1", false, 0, 1, a, b, "", 1000}},
			"UDP, 32 bytes\n  r  l1  in    TTL 1  10.0.1.1:1000 > 10.0.2.1:53\n  stopped at r: its TTL ended there\n",
		},
		"a link loses it": {
			[]seen{{"r", "l2", true, 0, 63, a, b, "", 1000}},
			"UDP, 32 bytes\n  r  l2  out    TTL 63  10.0.1.1:1000 > 10.0.2.1:53\n  stopped on the link: r sent it by l2, and it did not come in at b\n",
		},
		"it runs in circles": {
			[]seen{{"a", "l1", true, 0, 3, b, a, "", 1000}, {"r", "l1", false, 1, 3, b, a, "", 1000}, {"r", "l1", true, 2, 2, b, a, "", 1000}, {"a", "l1", false, 3, 2, b, a, "", 1000}, {"a", "l1", true, 4, 1, b, a, "", 1000}, {"r", "l1", false, 5, 1, b, a, "", 1000}},
			`UDP, 32 bytes
  a  l1  out        TTL 3  10.0.2.1:1000 > 10.0.1.1:53
  r  l1  in   +1µs  TTL 3  10.0.2.1:1000 > 10.0.1.1:53
  r  l1  out  +1µs  TTL 2  10.0.2.1:1000 > 10.0.1.1:53
  a  l1  in   +1µs  TTL 2  10.0.2.1:1000 > 10.0.1.1:53
  a  l1  out  +1µs  TTL 1  10.0.2.1:1000 > 10.0.1.1:53
  r  l1  in   +1µs  TTL 1  10.0.2.1:1000 > 10.0.1.1:53
  stopped at r: its TTL ended there
`,
		},
		"two of one identity, and another": {
			[]seen{{"a", "l1", true, 0, 64, a, b, "else", 1000}, {"a", "l1", true, 1, 64, a, b, "", 1000}, {"a", "l1", true, 2, 64, a, b, "", 1000}, {"r", "l1", false, 3, 64, a, b, "", 1000}, {"r", "l1", false, 4, 64, a, b, "", 1000}},
			`UDP, 32 bytes
  a  l1  out    TTL 64  10.0.1.1:1000 > 10.0.2.1:53
  stopped on the link: a sent it by l1, and it did not come in at r
UDP, 32 bytes
  a  l1  out        TTL 64  10.0.1.1:1000 > 10.0.2.1:53
  r  l1  in   +2µs  TTL 64  10.0.1.1:1000 > 10.0.2.1:53
  stopped at r: it came in by l1 and did not leave
UDP, 32 bytes
  a  l1  out        TTL 64  10.0.1.1:1000 > 10.0.2.1:53
  r  l1  in   +2µs  TTL 64  10.0.1.1:1000 > 10.0.2.1:53
  stopped at r: it came in by l1 and did not leave
`,
		},
	} {
		if got := journeys(t, time.Unix(1700000000, 0), c.seen); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func journeys(t *testing.T, begun time.Time, all []seen) string {
	t.Helper()
	taps := map[string]*tap{}
	var sources []capture.Source
	for _, node := range []string{"a", "r", "b"} {
		taps[node] = &tap{interfaces: []packet.Interface{{Index: 1, Name: "l1", Hardware: ethernet}, {Index: 2, Name: "l2", Hardware: ethernet}}}
		sources = append(sources, capture.Source{Tap: taps[node], Node: node, Far: line[node]})
	}
	for _, s := range all {
		data := datagram(t, s)
		taps[s.node].packets = append(taps[s.node].packets, packet.Packet{
			Index: int(s.link[1] - '0'), Outgoing: s.out, Time: begun.Add(time.Duration(s.at) * time.Microsecond), Data: data, Length: len(data),
		})
	}
	var b strings.Builder
	o := capture.Options{
		Packets: len(all),
		Follow:  func(j capture.Journey) { b.WriteString(j.String()) },
		Owns:    func(node string, a netip.Addr) bool { return owners[a.String()] == node },
	}
	if _, err := capture.Record(t.Context(), sources, o, io.Discard); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A packet that was on its way when the capture reached its limit did not stop, neither at a node nor on a link.
func TestAPacketOnItsWayWhenTheCaptureEndsDidNotStop(t *testing.T) {
	out := seen{"a", "l1", true, 0, 64, "10.0.1.1", "10.0.2.1", "", 1000}
	in := seen{"r", "l1", false, 5, 64, "10.0.1.1", "10.0.2.1", "", 1000}
	for node, all := range map[string][]seen{"a": {out}, "r": {out, in}} {
		got := journeys(t, time.Now(), all)
		if want := "seen last at " + node + ": the capture ended\n"; !strings.HasSuffix(got, want) {
			t.Errorf("it says\n%s\nwant %s", got, want)
		}
	}
}

// datagram is one with a VLAN tag, as trunks have.
func datagram(t *testing.T, s seen) []byte {
	t.Helper()
	ip := &layers.IPv4{Version: 4, TTL: s.ttl, Id: 7, Protocol: layers.IPProtocolUDP, SrcIP: net.ParseIP(s.from), DstIP: net.ParseIP(s.to)}
	udp := &layers.UDP{SrcPort: s.port, DstPort: 53}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	payload := s.payload
	if payload == "" {
		payload = "same"
	}
	buf := gopacket.NewSerializeBuffer()
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: layers.EthernetTypeDot1Q},
		&layers.Dot1Q{VLANIdentifier: 10, Type: layers.EthernetTypeIPv4}, ip, udp, gopacket.Payload(payload))
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Frames of any kind, cut anywhere, are no journey or one, and never a crash.
func FuzzFollow(f *testing.F) {
	f.Add(datagram(&testing.T{}, seen{"a", "l1", true, 0, 64, "10.0.1.1", "10.0.2.1", "", 1000}))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x86\xdd`\x00\x00\x00\x00\x08,@"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, hardware := range []uint16{ethernet, none} {
			p := &tap{interfaces: []packet.Interface{{Index: 1, Name: "l1", Hardware: hardware}, {Index: 2, Name: "l2", Hardware: hardware}}}
			p.packets = []packet.Packet{{Index: 1, Time: time.Unix(1, 0), Data: data, Length: len(data)}}
			o := capture.Options{Packets: 1, Follow: func(j capture.Journey) { _ = j.String() }, Owns: func(string, netip.Addr) bool { return false }}
			if _, err := capture.Record(t.Context(), []capture.Source{{Tap: p, Node: "a"}}, o, io.Discard); err != nil {
				t.Fatal(err)
			}
			capture.IsNeighbourDiscovery(data)
		}
	})
}
