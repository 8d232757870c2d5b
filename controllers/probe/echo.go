// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"net/netip"
)

// An echo message: type, code, checksum, identifier, sequence number (RFC 792, RFC 4443), and our payload:
// mark, nonce, zeros.
const (
	offsetType       = 0
	offsetCode       = 1
	offsetChecksum   = 2
	offsetIdentifier = 4
	offsetSequence   = 6
	offsetMark       = 8
	offsetNonce      = offsetMark + markSize
	headerSize       = offsetMark

	mark      = "netlab\x00\x01"
	markSize  = len(mark)
	nonceSize = 16

	maxIPv4Header = 60
)

type echoTypes struct{ request, reply byte }

var echoTypesOf = map[Family]echoTypes{
	IPv4: {request: 8, reply: 0},
	IPv6: {request: 128, reply: 129},
}

// echo is one echo request and what identifies its reply.
type echo struct {
	family  Family
	to      netip.Addr
	message []byte
}

// newEcho makes a request with a new nonce.
func newEcho(to netip.Addr, family Family, id, seq uint16, size int) echo {
	var nonce [nonceSize]byte
	_, _ = rand.Read(nonce[:]) // never returns an error
	return echo{family: family, to: to, message: encode(family, id, seq, nonce, size)}
}

func encode(family Family, id, seq uint16, nonce [nonceSize]byte, size int) []byte {
	m := make([]byte, headerSize+max(size, MinSizeBytes))
	m[offsetType] = echoTypesOf[family].request
	binary.BigEndian.PutUint16(m[offsetIdentifier:], id)
	binary.BigEndian.PutUint16(m[offsetSequence:], seq)
	copy(m[offsetMark:], mark)
	copy(m[offsetNonce:], nonce[:])
	if family == IPv4 {
		binary.BigEndian.PutUint16(m[offsetChecksum:], checksum(m))
	}
	return m
}

// replyBuffer has room for the reply, an IPv4 header, and one byte more: a longer message truncated to the
// length of the reply would look like it.
func (e echo) replyBuffer() []byte {
	return make([]byte, len(e.message)+maxIPv4Header+1)
}

// answeredBy reports whether an ICMP message is the reply to this request: the same message from the
// destination, except for type and checksum.
func (e echo) answeredBy(message []byte, src netip.Addr) bool {
	return sameHost(src, e.to) &&
		len(message) == len(e.message) &&
		message[offsetType] == echoTypesOf[e.family].reply &&
		message[offsetCode] == 0 &&
		bytes.Equal(message[offsetIdentifier:], e.message[offsetIdentifier:]) &&
		e.intact(message)
}

// isIn reports whether an ICMP message is this request. NAT may have changed its identifier, so the payload with
// its nonce decides.
func (e echo) isIn(message []byte) bool {
	return len(message) == len(e.message) &&
		message[offsetType] == echoTypesOf[e.family].request &&
		bytes.Equal(message[offsetMark:], e.message[offsetMark:])
}

// intact verifies the checksum of an ICMP message: raw IPv4 sockets receive it before the kernel checks it.
// The kernel has verified that of ICMPv6, which covers addresses that are not visible here.
func (e echo) intact(message []byte) bool {
	return e.family == IPv6 || checksum(message) == 0
}

func sameHost(a, b netip.Addr) bool {
	return a.Unmap().WithZone("") == b.Unmap().WithZone("")
}

// checksum is the Internet checksum (RFC 1071). Over a message that contains its own checksum it is 0.
func checksum(b []byte) uint16 {
	var sum uint32
	for len(b) >= 2 {
		sum += uint32(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	sum = sum>>16 + sum&0xffff
	sum += sum >> 16
	return ^uint16(sum)
}
