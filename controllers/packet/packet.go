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
	// Time is when the kernel received it.
	Time time.Time
	// Data is the frame with its VLAN tag, a slice of the buffer it was read into.
	Data []byte
	// Length is the length of the frame; Data may be truncated.
	Length int
}

// VLANTagSize is the size of a VLAN tag in bytes.
const VLANTagSize = 4

// MaxSize is the size of a read buffer: segmentation offload makes frames of 64 KiB, plus a VLAN tag.
const MaxSize = 1<<16 + VLANTagSize

// Interface is a network interface of a namespace.
type Interface struct {
	Index int
	Name  string
	// Hardware is the ARPHRD_ number of the interface: 1 for Ethernet.
	Hardware uint16
}

// ErrLinkDown is the error after the interface was set down or deleted.
var ErrLinkDown = errors.New("the interface went down")

// ErrNoInterface is the error if the namespace has no interface of that name.
var ErrNoInterface = errors.New("no such interface")
