// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"
	"net/netip"
)

// headers are those of an IP packet that a summary needs.
type headers struct {
	source, destination netip.Addr
	ttl                 uint8
	protocol            uint8
	// id is the IPv4 identification with the fragment's offset, or the IPv6 flow label.
	id uint32
	// later reports a fragment other than the first one: it has no transport header.
	later  bool
	length int
	// payload begins with the transport header.
	payload []byte
}

// EtherTypes.
const (
	etherTypeIPv4 = 0x0800
	etherTypeARP  = 0x0806
	etherTypeIPv6 = 0x86dd
)

// Protocols of IP.
const (
	protocolICMP     = 1
	protocolTCP      = 6
	protocolUDP      = 17
	protocolFragment = 44
	protocolICMPv6   = 58
	protocolSCTP     = 132
)

// network returns the EtherType and what is behind the Ethernet header and its VLAN tags.
func network(frame []byte, frames linkType) (etherType uint16, rest []byte) {
	if frames == linkTypeRaw {
		if len(frame) > 0 && frame[0]>>4 == 6 {
			return etherTypeIPv6, frame
		}
		return etherTypeIPv4, frame
	}
	for at := 12; at+2 <= len(frame); at += 4 {
		etherType = binary.BigEndian.Uint16(frame[at:])
		if etherType != 0x8100 && etherType != 0x88a8 && etherType != 0x9100 {
			return etherType, frame[at+2:]
		}
	}
	return 0, nil
}

// parseIP reads the headers of an IP packet.
func parseIP(frame []byte, frames linkType) (h headers, ok bool) {
	etherType, b := network(frame, frames)
	switch {
	case etherType == etherTypeIPv4 && len(b) >= 20 && b[0]>>4 == 4:
		return parseIPv4(b)
	case etherType == etherTypeIPv6 && len(b) >= 40 && b[0]>>4 == 6:
		return parseIPv6(b), true
	}
	return headers{}, false
}

func parseIPv4(b []byte) (h headers, ok bool) {
	header := int(b[0]&0xf) * 4
	h.length = int(binary.BigEndian.Uint16(b[2:]))
	if h.length == 0 { // larger than 64 KiB
		h.length = len(b)
	}
	if header < 20 || header > len(b) || h.length < header {
		return headers{}, false
	}
	offset := binary.BigEndian.Uint16(b[6:]) & 0x1fff
	h.source, h.destination = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
	h.ttl, h.protocol, h.later = b[8], b[9], offset != 0
	h.id = uint32(binary.BigEndian.Uint16(b[4:]))<<16 | uint32(offset)
	h.payload = b[header:min(h.length, len(b))]
	return h, true
}

func parseIPv6(b []byte) (h headers) {
	h.source, h.destination = netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
	h.ttl, h.protocol = b[7], b[6]
	h.id = binary.BigEndian.Uint32(b) & 0xfffff
	h.length = 40 + int(binary.BigEndian.Uint16(b[4:]))
	h.payload = b[40:min(max(40, h.length), len(b))]
	if h.protocol == protocolFragment && len(h.payload) >= 8 {
		h.protocol, h.later = h.payload[0], binary.BigEndian.Uint16(h.payload[2:])&0xfff8 != 0
		h.id = binary.BigEndian.Uint32(h.payload[4:])
		h.payload = h.payload[8:]
	}
	return h
}

// ports are those of TCP, UDP and SCTP.
func (h *headers) ports() (source, destination uint16, ok bool) {
	switch h.protocol {
	case protocolTCP, protocolUDP, protocolSCTP:
		if !h.later && len(h.payload) >= 4 {
			return binary.BigEndian.Uint16(h.payload), binary.BigEndian.Uint16(h.payload[2:]), true
		}
	}
	return 0, 0, false
}

// echo reports whether an ICMP message is an echo request or reply.
func (h *headers) echo() bool {
	if h.later || len(h.payload) < 8 {
		return false
	}
	kind := h.payload[0]
	return h.protocol == protocolICMP && (kind == 8 || kind == 0) || h.protocol == protocolICMPv6 && (kind == 128 || kind == 129)
}

// IsNeighbourDiscovery reports whether a frame is of ARP or of IPv6 neighbour discovery.
func IsNeighbourDiscovery(frame []byte) bool {
	etherType, _ := network(frame, linkTypeEthernet)
	h, ok := parseIP(frame, linkTypeEthernet)
	return etherType == etherTypeARP || ok && h.protocol == protocolICMPv6 && len(h.payload) > 0 && h.payload[0] >= 133 && h.payload[0] <= 137
}
