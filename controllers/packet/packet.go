// SPDX-License-Identifier: Apache-2.0

// Package packet has the values of packet sockets. Package kernel/socket reads them, on Linux only; package
// capture writes them to files, on every platform of kubectl-netlab.
package packet

import (
	"errors"
	"time"
)

// Packet is a frame that passed an interface.
type Packet struct {
	// Index is the interface's.
	Index int
	// Time is when the kernel received or sent it.
	Time time.Time
	// Outgoing reports that the node sent it.
	Outgoing bool
	// Twice reports that it leaves by lo: it comes in by it, too.
	Twice bool
	// Data is the frame with its VLAN tag. It is valid until the next packet is read.
	Data []byte
	// Length is the length of the frame; Data may be truncated.
	Length int
}

// VLANTagSize is the size of a VLAN tag in bytes.
const VLANTagSize = 4

// Options are those of a packet socket.
type Options struct {
	// Interface is its interface; empty means all interfaces of the namespace.
	Interface string
	// Filter is a program of classic BPF that accepts packets; empty accepts all.
	Filter []Instruction
	// Buffer is the size in bytes of what may wait to be read; 0 means DefaultBuffer.
	Buffer int
}

// DefaultBuffer is the size of a packet socket's buffer.
const DefaultBuffer = 16 << 20

// Instruction is one of classic BPF (struct sock_filter).
type Instruction struct {
	Op     uint16
	Jt, Jf uint8
	K      uint32
}

// Statistics are the kernel's counts of a packet socket since it was opened.
type Statistics struct {
	// Accepted packets are or were in the buffer. Dropped packets found no room there.
	Accepted, Dropped uint64
}

// Interface is a network interface of a namespace.
type Interface struct {
	Index int
	Name  string
	// Hardware is the ARPHRD_ number of the interface: 1 for Ethernet.
	Hardware uint16
}

// ErrNoInterface is the error if the namespace has no interface of that name.
var ErrNoInterface = errors.New("no such interface")
