// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
)

var nonce = [nonceSize]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

func TestRequestOnTheWire(t *testing.T) {
	const rest = "1234" + "0007" + "6e65746c61620001" + "0102030405060708090a0b0c0d0e0f10"
	tests := []struct {
		name   string
		family Family
		size   int
		want   string
	}{
		{"IPv4 with checksum", IPv4, 0, "0800" + "6147" + rest},
		{"IPv6 leaves the checksum to the kernel", IPv6, 0, "8000" + "0000" + rest},
		{"too small a size is raised", IPv4, 10, "0800" + "6147" + rest},
		{"a larger size is filled up", IPv4, 27, "0800" + "6147" + rest + "000000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := hex.EncodeToString(encode(test.family, 0x1234, 7, nonce, test.size))
			if got != test.want {
				t.Errorf("encode:\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestEveryRequestIsNew(t *testing.T) {
	a, b := newEcho(ns2, IPv4, 1, 1, 0), newEcho(ns2, IPv4, 1, 1, 0)
	if b.answeredBy(replyTo(a.message), ns2) {
		t.Error("the reply to one request answers another with the same identifier and sequence number")
	}
}

// forgeries are messages that look almost like the reply to a request.
var forgeries = []struct {
	name  string
	forge func(request []byte) (message []byte, src netip.Addr)
}{
	{"another node's request", func(r []byte) ([]byte, netip.Addr) {
		m := bytes.Clone(r)
		m[offsetNonce] ^= 0x55
		return sealed(m), ns2
	}},
	{"another source", func(r []byte) ([]byte, netip.Addr) { return replyTo(r), ns1 }},
	{"another identifier", changedAt(offsetIdentifier + 1)},
	{"another sequence number", changedAt(offsetSequence + 1)},
	{"another nonce", changedAt(offsetNonce)},
	{"another nonce at its end", changedAt(offsetNonce + nonceSize - 1)},
	{"another mark", changedAt(offsetMark)},
	{"a changed last byte", func(r []byte) ([]byte, netip.Addr) { return changedAt(len(r) - 1)(r) }},
	{"another type", changedAt(offsetType)},
	{"another code", changedAt(offsetCode)},
	{"a bad checksum", func(r []byte) ([]byte, netip.Addr) {
		m := replyTo(r)
		m[offsetChecksum] ^= 1
		return m, ns2
	}},
	{"a reply cut short", func(r []byte) ([]byte, netip.Addr) { return sealed(replyTo(r)[:len(r)-2]), ns2 }},
	{"a reply with more behind it", func(r []byte) ([]byte, netip.Addr) { return append(replyTo(r), 0, 0), ns2 }},
	{"a header only", func(r []byte) ([]byte, netip.Addr) { return sealed(replyTo(r)[:headerSize]), ns2 }},
	{"nothing", func([]byte) ([]byte, netip.Addr) { return nil, ns2 }},
	{"an ICMPv6 reply", func(r []byte) ([]byte, netip.Addr) {
		m := replyTo(r)
		m[offsetType] = echoTypesOf[IPv6].reply
		return sealed(m), ns2
	}},
	{"a destination-unreachable message", func(r []byte) ([]byte, netip.Addr) {
		return sealed(append([]byte{3, 1, 0, 0, 0, 0, 0, 0}, r...)), ns2
	}},
}

// changedAt forges a reply with one byte changed and a checksum that is right.
func changedAt(offset int) func([]byte) ([]byte, netip.Addr) {
	return func(request []byte) ([]byte, netip.Addr) {
		m := replyTo(request)
		m[offset] ^= 0x55
		return sealed(m), ns2
	}
}

func TestOnlyTheReplyAnswers(t *testing.T) {
	request := newEcho(ns2, IPv4, 0x1234, 7, 100)
	if !request.answeredBy(replyTo(request.message), ns2) {
		t.Fatal("the honest reply does not answer")
	}
	for _, forgery := range forgeries {
		t.Run(forgery.name, func(t *testing.T) {
			if request.answeredBy(forgery.forge(bytes.Clone(request.message))) {
				t.Error("answers")
			}
		})
	}
}

func TestARequestIsRecognised(t *testing.T) {
	for family, to := range map[Family]netip.Addr{IPv4: ns2, IPv6: six} {
		request := newEcho(to, family, 0x1234, 7, 100)
		changed := func(offset int) []byte {
			m := bytes.Clone(request.message)
			m[offset] ^= 0x55
			return m
		}
		for name, c := range map[string]struct {
			message []byte
			is      bool
		}{
			"itself":                      {bytes.Clone(request.message), true},
			"with an identifier of NAT":   {changed(offsetIdentifier), true},
			"with the kernel's checksum":  {changed(offsetChecksum), true},
			"another attempt":             {newEcho(to, family, 0x1234, 7, 100).message, false},
			"its reply":                   {replyTo(request.message), false},
			"another nonce":               {changed(offsetNonce + nonceSize - 1), false},
			"a changed last byte":         {changed(len(request.message) - 1), false},
			"a message that is cut short": {request.message[:len(request.message)-1], false},
			"nothing":                     {nil, false},
		} {
			if got := request.isIn(c.message); got != c.is {
				t.Errorf("%s: %s: %v", family, name, got)
			}
		}
	}
}

func TestSourceIsComparedAsAHost(t *testing.T) {
	tests := []struct{ asked, source string }{
		{"192.0.2.1", "::ffff:192.0.2.1"},
		{"fe80::1", "fe80::1%l1"},
		{"fe80::1%3", "fe80::1%l1"},
	}
	for _, test := range tests {
		request := newEcho(netip.MustParseAddr(test.asked), Spec{To: netip.MustParseAddr(test.asked)}.Family(), 1, 1, 0)
		if !request.answeredBy(replyTo(request.message), netip.MustParseAddr(test.source)) {
			t.Errorf("a reply from %s does not answer a request to %s", test.source, test.asked)
		}
	}
}

func TestChecksum(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		want uint16
	}{
		{"the example of RFC 1071", []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, ^uint16(0xddf2)},
		{"an odd last byte is a high byte", []byte{0x01}, ^uint16(0x0100)},
		{"a carry that causes a carry", []byte{0xff, 0xff, 0x00, 0x01, 0xff, 0xff}, ^uint16(0x0001)},
	}
	for _, test := range tests {
		if got := checksum(test.data); got != test.want {
			t.Errorf("%s: got %#04x, want %#04x", test.name, got, test.want)
		}
	}
}

func FuzzOnlyTheReplyAnswers(f *testing.F) {
	request := echo{family: IPv4, to: ns2, message: encode(IPv4, 0x1234, 7, nonce, 40)}
	honest := replyTo(request.message)
	f.Add(honest, true)
	for _, forgery := range forgeries {
		message, _ := forgery.forge(bytes.Clone(request.message))
		f.Add(message, true)
	}
	f.Fuzz(func(t *testing.T, message []byte, fromTarget bool) {
		src := ns1
		if fromTarget {
			src = ns2
		}
		want := fromTarget && bytes.Equal(message, honest)
		if got := request.answeredBy(message, src); got != want && !sameButForZero(message, honest) {
			t.Errorf("answeredBy(%x, %s) = %v", message, src, got)
		}
	})
}

// sameButForZero is true of two messages that differ in nothing but the two ways to write a checksum of 0.
func sameButForZero(a, b []byte) bool {
	return len(a) == len(b) && bytes.Equal(a[:offsetChecksum], b[:offsetChecksum]) &&
		bytes.Equal(a[offsetIdentifier:], b[offsetIdentifier:]) && checksum(a) == 0
}

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newEcho(ns2, IPv4, 1, 1, 56)
	}
}

func BenchmarkAnsweredBy(b *testing.B) {
	request := newEcho(ns2, IPv4, 1, 1, 56)
	reply := replyTo(request.message)
	b.ReportAllocs()
	for b.Loop() {
		if !request.answeredBy(reply, ns2) {
			b.Fatal("the reply does not answer")
		}
	}
}
