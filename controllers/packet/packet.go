// SPDX-License-Identifier: Apache-2.0

// Package packet is what packet sockets hand over, as plain values: package kernel reads them, on
// Linux alone; package capture writes them down, and is built wherever kubectl-netlab is.
package packet

import (
	"errors"
	"time"
)

// Packet is a frame as it passed an interface.
type Packet struct {
	// Index is the interface's.
	Index int
	// Time is when the kernel saw it.
	Time time.Time
	// Data is the frame, with its VLAN tag, and part of the buffer it was read into.
	Data []byte
	// Length is the frame's, of which Data may be the beginning.
	Length int
}

// VLANTagSize is how many bytes of a frame are its VLAN tag.
const VLANTagSize = 4

// MaxSize is how large the buffer is to be that a packet is read into: segmentation offload makes
// frames of 64 KiB, and a VLAN tag is added.
const MaxSize = 1<<16 + VLANTagSize

// Interface is a network interface of a namespace.
type Interface struct {
	Index int
	Name  string
	// Hardware is the ARPHRD_ number of what its frames look like: 1 for Ethernet.
	Hardware uint16
}

// ErrLinkDown says that the interface was set down, or deleted.
var ErrLinkDown = errors.New("the interface went down")

// ErrNoInterface says that the namespace has no interface of that name.
var ErrNoInterface = errors.New("no such interface")
