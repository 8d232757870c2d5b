// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// frame is where headers begin.
type frame struct {
	// raw frames begin with the IP header.
	raw bool
	// tagged reports that the kernel has taken the outer VLAN tag out of the frame.
	tagged bool
}

const (
	etherType   = 12
	etherHeader = 14
	tagSize     = 4
)

// shift is the size of the VLAN tags in the frame behind a number of vlan primitives.
func (f frame) shift(vlans int) uint32 {
	if f.tagged {
		vlans = max(0, vlans-1)
	}
	return uint32(vlans * tagSize)
}

// network is where the network header begins.
func (f frame) network(vlans int) uint32 {
	if f.raw {
		return 0
	}
	return etherHeader + f.shift(vlans)
}

// length is that of a frame without its VLAN tag.
func (f frame) length(n uint32) uint32 {
	if f.tagged {
		return n - tagSize
	}
	return n
}

// test compares a value of a frame. Its loads end in the accumulator.
type test struct {
	loads []bpf.Instruction
	cond  bpf.JumpTest
	value uint32
}

// condition is a test, or a combination.
type condition interface{}

type (
	allOf  []condition
	anyOf  []condition
	noneOf struct{ of condition }
	// constant is a condition that does not depend on the frame.
	constant bool
)

// field compares size bytes at an offset, after a mask.
func field(at uint32, size int, mask, value uint32) test {
	loads := []bpf.Instruction{bpf.LoadAbsolute{Off: at, Size: size}}
	if full := uint32(1<<(8*size) - 1); mask != full && size < 4 || size == 4 && mask != 0xffffffff {
		loads = append(loads, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
	}
	return test{loads, bpf.JumpEqual, value}
}

func byteAt(at, value uint32) test { return field(at, 1, 0xff, value) }

// lower turns an expression into tests of frames of a kind.
func lower(e expr, f frame) (condition, error) {
	switch e := e.(type) {
	case andExpr:
		a, err := lower(e.a, f)
		if err != nil {
			return nil, err
		}
		b, err := lower(e.b, f)
		return allOf{a, b}, err
	case orExpr:
		a, err := lower(e.a, f)
		if err != nil {
			return nil, err
		}
		b, err := lower(e.b, f)
		return anyOf{a, b}, err
	case notExpr:
		of, err := lower(e.of, f)
		return noneOf{of}, err
	case vlanExpr:
		return e.lower(f), nil
	case primitive:
		return e.lower(f)
	}
	return nil, fmt.Errorf("unknown expression %T", e)
}

func (e vlanExpr) lower(f frame) condition {
	switch {
	case f.raw:
		return constant(false)
	case f.tagged && e.vlans == 0:
		tag := test{[]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTag}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff}}, bpf.JumpEqual, uint32(e.id)}
		if e.id < 0 {
			return constant(true)
		}
		return tag
	}
	at := etherType + f.shift(e.vlans)
	var tagged anyOf
	for _, protocol := range []uint32{0x8100, 0x88a8, 0x9100} {
		tagged = append(tagged, field(at, 2, 0xffff, protocol))
	}
	if e.id < 0 {
		return tagged
	}
	return allOf{tagged, field(at+2, 2, 0xfff, uint32(e.id))}
}

// EtherTypes.
const (
	etherIP   = 0x0800
	etherARP  = 0x0806
	etherRARP = 0x8035
	etherIP6  = 0x86dd
)

// ether is that a frame has a protocol behind the Ethernet header.
func (f frame) ether(vlans int, protocol uint32) condition {
	if !f.raw {
		return field(etherType+f.shift(vlans), 2, 0xffff, protocol)
	}
	switch protocol {
	case etherIP:
		return field(0, 1, 0xf0, 0x40)
	case etherIP6:
		return field(0, 1, 0xf0, 0x60)
	}
	return constant(false)
}

// Offsets in IPv4 and IPv6 headers.
const (
	ipFragment    = 6
	ipProtocol    = 9
	ipSource      = 12
	ipDestination = 16

	ip6Next        = 6
	ip6Source      = 8
	ip6Destination = 24
	ip6Header      = 40

	protocolFragment = 44
)

// ip is that a packet is IPv4 with a transport protocol.
func (f frame) ip(vlans int, protocol uint32) condition {
	return allOf{f.ether(vlans, etherIP), byteAt(f.network(vlans)+ipProtocol, protocol)}
}

// ip6 is that a packet is IPv6 with a transport protocol, or a fragment of such a packet.
func (f frame) ip6(vlans int, protocol uint32) condition {
	at := f.network(vlans)
	return allOf{f.ether(vlans, etherIP6), anyOf{
		byteAt(at+ip6Next, protocol),
		allOf{byteAt(at+ip6Next, protocolFragment), byteAt(at+ip6Header, protocol)},
	}}
}
