// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"io"
	"time"

	"github.com/netlab-dev/netlab/controllers/packet"
)

// file is a pcapng file during a capture.
type file struct {
	tap    Tap
	writer *pcapng
	began  time.Time
	// links are the known interfaces, by index; listed are those in the file, by number.
	links   map[int]*link
	listed  []*link
	packets uint64
}

// link is an interface in the file.
type link struct {
	// id is its number in the file; negative if pcapng cannot describe its frames.
	id       int
	received uint64
}

// hardware says what the frames of an interface begin with, by its ARPHRD_ number: an Ethernet
// header (lo has one, too) or, for tunnels, the IP header.
var hardware = map[uint16]linkType{
	1: linkTypeEthernet, 772: linkTypeEthernet,
	519: linkTypeRaw, 768: linkTypeRaw, 769: linkTypeRaw, 776: linkTypeRaw, 0xfffe: linkTypeRaw,
}

// newFile begins a file with the existing interfaces, including those without packets.
func newFile(tap Tap, w io.Writer) (*file, error) {
	writer, err := newPcapng(w)
	if err != nil {
		return nil, err
	}
	f := &file{tap: tap, writer: writer, began: time.Now(), links: map[int]*link{}}
	for _, i := range tap.Interfaces() {
		if _, err := f.add(i); err != nil {
			return nil, err
		}
	}
	if len(f.listed) == 0 {
		return nil, fmt.Errorf("pcapng cannot describe the frames of any of the interfaces %v", tap.Interfaces())
	}
	return f, f.flush()
}

// add lists an interface.
func (f *file) add(i packet.Interface) (*link, error) {
	added := &link{id: -1}
	f.links[i.Index] = added
	frames, ok := hardware[i.Hardware]
	if !ok {
		return added, nil
	}
	added.id = len(f.listed)
	f.listed = append(f.listed, added)
	return added, f.writer.addInterface(i.Name, frames)
}

// write adds a packet. A packet of an interface that was deleted before its name was read is left out.
func (f *file) write(p packet.Packet) error {
	on, known := f.links[p.Index]
	if !known {
		i, err := f.tap.Interface(p.Index)
		if err != nil {
			return nil //nolint:nilerr // the interface is gone
		}
		if on, err = f.add(i); err != nil {
			return err
		}
	}
	if on.id < 0 {
		return nil
	}
	f.packets++
	on.received++
	return f.writer.writePacket(on.id, p)
}

func (f *file) flush() error { return f.writer.flush() }

// finish adds the statistics. The kernel counts drops for all interfaces together.
func (f *file) finish(dropped uint64) error {
	now := time.Now()
	for _, l := range f.listed {
		s := statistics{start: f.began, end: now, received: l.received}
		if len(f.listed) == 1 {
			s.dropped = &dropped
		}
		if err := f.writer.writeStatistics(l.id, s); err != nil {
			return err
		}
	}
	return f.flush()
}
