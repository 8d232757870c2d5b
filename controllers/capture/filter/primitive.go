// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"
)

// Numbers of protocols.
var (
	transports = map[string]uint32{
		"tcp": 6, "udp": 17, "sctp": 132, "icmp": 1, "icmp6": 58, "igmp": 2, "igrp": 9, "pim": 103, "ah": 51, "esp": 50, "vrrp": 112,
	}
	etherTypes = map[string]uint32{"ip": etherIP, "ip6": etherIP6, "arp": etherARP, "rarp": etherRARP}
	// onlyIP4 are protocols that libpcap finds in IPv4 alone.
	onlyIP4 = words("icmp igmp igrp vrrp")
)

// lower turns a primitive into tests.
func (e primitive) lower(f frame) (condition, error) {
	switch e.kind {
	case "":
		return e.protocol(f), nil
	case "less", "greater":
		return e.length(f)
	case "broadcast", "multicast":
		return e.cast(f)
	case "proto":
		return e.number(f)
	case "port", "portrange":
		return e.ports(f)
	case "net":
		return e.net(f)
	}
	return e.host(f)
}

// protocol is a protocol alone.
func (e primitive) protocol(f frame) condition {
	if number, known := etherTypes[e.proto]; known {
		return f.ether(e.vlans, number)
	}
	number := transports[e.proto]
	switch {
	case e.proto == "ether":
		return constant(true)
	case e.proto == "icmp6":
		return f.ip6(e.vlans, number)
	case onlyIP4[e.proto]:
		return f.ip(e.vlans, number)
	}
	return anyOf{f.ip6(e.vlans, number), f.ip(e.vlans, number)}
}

func (e primitive) length(f frame) (condition, error) {
	n, err := number(e.value, 1<<20)
	cond := bpf.JumpLessOrEqual
	if e.kind == "greater" {
		cond = bpf.JumpGreaterOrEqual
	}
	return test{[]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtLen}}, cond, f.length(n)}, err
}

func (e primitive) cast(f frame) (condition, error) {
	at := f.network(e.vlans)
	switch q := e.qualifiers; {
	case q.direction != "":
		return nil, e.unfit()
	case q.kind == "broadcast" && (q.proto == "" || q.proto == "ether"):
		return f.mac(0, net.HardwareAddr{255, 255, 255, 255, 255, 255}), nil
	case q.kind == "broadcast":
		return nil, fmt.Errorf("%q is not supported: it needs the netmask", q)
	case q.proto == "ip":
		return allOf{f.ether(e.vlans, etherIP), test{[]bpf.Instruction{bpf.LoadAbsolute{Off: at + ipDestination, Size: 1}}, bpf.JumpGreaterOrEqual, 224}}, nil
	case q.proto == "ip6":
		return allOf{f.ether(e.vlans, etherIP6), byteAt(at+ip6Destination, 255)}, nil
	case q.proto != "" && q.proto != "ether":
		return nil, e.unfit()
	case f.raw:
		return constant(false), nil
	}
	return test{[]bpf.Instruction{bpf.LoadAbsolute{Size: 1}}, bpf.JumpBitsSet, 1}, nil
}

// unfit is the error of qualifiers that do not belong together.
func (e primitive) unfit() error { return fmt.Errorf("%q cannot be used together", e.qualifiers) }

// number is ether proto, ip proto, ip6 proto or proto.
func (e primitive) number(f frame) (condition, error) {
	if e.direction != "" {
		return nil, e.unfit()
	}
	if e.proto == "ether" {
		n, err := named(e.value, etherTypes, 0xffff)
		if err == nil && n < 0x600 {
			err = fmt.Errorf("%q is a length, no EtherType", e.value)
		}
		return f.ether(e.vlans, n), err
	}
	n, err := named(e.value, transports, 255)
	switch e.proto {
	case "ip":
		return f.ip(e.vlans, n), err
	case "ip6":
		return f.ip6(e.vlans, n), err
	case "":
		return anyOf{f.ip(e.vlans, n), f.ip6(e.vlans, n)}, err
	}
	return nil, e.unfit()
}

// named reads a number or an escaped name.
func named(value string, names map[string]uint32, most uint64) (uint32, error) {
	if name, escaped := strings.CutPrefix(value, `\`); escaped {
		if n, known := names[name]; known {
			return n, nil
		}
		return 0, fmt.Errorf("no protocol %q", value)
	}
	return number(value, most)
}

func number(value string, most uint64) (uint32, error) {
	n, err := strconv.ParseUint(value, 0, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", value)
	}
	if n > most {
		return 0, fmt.Errorf("%s is greater than %d", value, most)
	}
	return uint32(n), nil
}

// ports is port or portrange, of TCP, UDP and SCTP or of one of them. Only the first fragment has ports.
func (e primitive) ports(f frame) (condition, error) {
	low, high, err := e.portRange()
	if err != nil {
		return nil, err
	}
	protocols := []string{"tcp", "udp", "sctp"}
	if e.proto != "" {
		if e.proto != "tcp" && e.proto != "udp" && e.proto != "sctp" {
			return nil, e.unfit()
		}
		protocols = []string{e.proto}
	}
	at := f.network(e.vlans)
	var of4, of6 anyOf
	for _, p := range protocols {
		of4 = append(of4, byteAt(at+ipProtocol, transports[p]))
		of6 = append(of6, byteAt(at+ip6Next, transports[p]))
	}
	first := noneOf{test{[]bpf.Instruction{bpf.LoadAbsolute{Off: at + ipFragment, Size: 2}}, bpf.JumpBitsSet, 0x1fff}}
	in4 := func(port uint32) condition {
		return between(low, high, bpf.LoadMemShift{Off: at}, bpf.LoadIndirect{Off: at + port, Size: 2})
	}
	in6 := func(port uint32) condition {
		return between(low, high, bpf.LoadAbsolute{Off: at + ip6Header + port, Size: 2})
	}
	return anyOf{
		allOf{f.ether(e.vlans, etherIP6), of6, e.directed(in6(0), in6(2))},
		allOf{f.ether(e.vlans, etherIP), of4, first, e.directed(in4(0), in4(2))},
	}, nil
}

func between(low, high uint32, loads ...bpf.Instruction) condition {
	if low == high {
		return test{loads, bpf.JumpEqual, low}
	}
	return allOf{test{loads, bpf.JumpGreaterOrEqual, low}, test{loads, bpf.JumpLessOrEqual, high}}
}

func (e primitive) portRange() (low, high uint32, err error) {
	from, to, isRange := strings.Cut(e.value, "-")
	if !isRange {
		to = from
	}
	if isName(e.value) || isRange && e.kind == "port" {
		return 0, 0, fmt.Errorf("%s %q: names are not supported, and ranges need portrange; write the number", e.kind, e.value)
	}
	if low, err = number(from, 0xffff); err == nil {
		high, err = number(to, 0xffff)
	}
	return min(low, high), max(low, high), err
}

// directed combines the tests of the two ends.
func (e primitive) directed(source, destination condition) condition {
	switch e.direction {
	case "src":
		return source
	case "dst":
		return destination
	case "src and dst":
		return allOf{source, destination}
	}
	return anyOf{source, destination}
}

func (e primitive) host(f frame) (condition, error) {
	if mac, err := net.ParseMAC(e.value); err == nil && len(mac) == 6 && e.proto == "ether" {
		return e.directed(f.mac(6, mac), f.mac(0, mac)), nil
	}
	if e.proto == "ether" {
		return nil, fmt.Errorf("%q is no MAC address", e.value)
	}
	a, err := netip.ParseAddr(e.value)
	if err != nil || a.Zone() != "" {
		return nil, fmt.Errorf("%s %q: want an IP address; names are not supported, and prefixes need net", e.kind, e.value)
	}
	return e.addresses(f, netip.PrefixFrom(a, a.BitLen()))
}

// mac is that a MAC address is at an offset.
func (f frame) mac(at uint32, mac net.HardwareAddr) condition {
	if f.raw {
		return constant(false)
	}
	return allOf{
		field(at+2, 4, 0xffffffff, binary.BigEndian.Uint32(mac[2:])),
		field(at, 2, 0xffff, uint32(binary.BigEndian.Uint16(mac))),
	}
}

func (e primitive) net(f frame) (condition, error) {
	prefix, err := e.prefix()
	if err != nil {
		return nil, err
	}
	if prefix != prefix.Masked() {
		return nil, fmt.Errorf("net %s has bits outside its mask: write %s", prefix, prefix.Masked())
	}
	return e.addresses(f, prefix)
}

// prefix reads 10, 10.1, 10.1.0.0/16, or an address with a mask.
func (e primitive) prefix() (netip.Prefix, error) {
	value, length, hasLength := strings.Cut(e.value, "/")
	bits := -1
	if !strings.Contains(value, ":") {
		parts := strings.Count(value, ".") + 1
		if !hasLength && e.mask == "" {
			bits = 8 * parts
		}
		value += strings.Repeat(".0", max(0, 4-parts))
	}
	a, err := netip.ParseAddr(value)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("net %q: want an address with the length of its prefix; names are not supported", e.value)
	}
	switch {
	case hasLength:
		n, err := number(length, uint64(a.BitLen()))
		return netip.PrefixFrom(a, int(n)), err
	case e.mask != "":
		bits, err = maskBits(e.mask)
		return netip.PrefixFrom(a, bits), err
	case bits < 0:
		bits = a.BitLen()
	}
	return netip.PrefixFrom(a, bits), nil
}

func maskBits(mask string) (int, error) {
	a, err := netip.ParseAddr(mask)
	if err != nil || !a.Is4() {
		return 0, fmt.Errorf("%q is no IPv4 netmask", mask)
	}
	ones, bits := net.IPMask(a.AsSlice()).Size()
	if bits == 0 {
		return 0, fmt.Errorf("netmask %s has a hole", mask)
	}
	return ones, nil
}

// addresses is that an address of a packet is in a prefix.
func (e primitive) addresses(f frame, prefix netip.Prefix) (condition, error) {
	if _, network := etherTypes[e.proto]; e.proto != "" && !network {
		return nil, fmt.Errorf("%w; write %q", e.unfit(), e.proto+" and "+e.kind+" "+e.value)
	}
	at := f.network(e.vlans)
	if prefix.Addr().Is6() {
		if e.proto != "" && e.proto != "ip6" {
			return nil, errors.New(prefix.Addr().String() + " is no IPv4 address")
		}
		return allOf{f.ether(e.vlans, etherIP6), e.directed(inPrefix(at+ip6Source, prefix), inPrefix(at+ip6Destination, prefix))}, nil
	}
	if e.proto == "ip6" {
		return nil, errors.New(prefix.Addr().String() + " is no IPv6 address")
	}
	in := func(protocol, source, destination uint32) condition {
		return allOf{f.ether(e.vlans, protocol), e.directed(inPrefix(at+source, prefix), inPrefix(at+destination, prefix))}
	}
	of := map[string]condition{
		"ip": in(etherIP, ipSource, ipDestination), "arp": in(etherARP, 14, 24), "rarp": in(etherRARP, 14, 24),
	}
	if e.proto != "" {
		return of[e.proto], nil
	}
	return anyOf{of["ip"], of["arp"], of["rarp"]}, nil
}

// inPrefix compares the words of an address that the prefix covers.
func inPrefix(at uint32, prefix netip.Prefix) condition {
	var same allOf
	address := prefix.Addr().AsSlice()
	for i, left := 0, prefix.Bits(); left > 0; i, left = i+4, left-32 {
		mask := uint32(0xffffffff)
		if left < 32 {
			mask <<= 32 - left
		}
		same = append(same, field(at+uint32(i), 4, mask, binary.BigEndian.Uint32(address[i:])&mask))
	}
	return same
}
