// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/netlab-dev/netlab/controllers/packet"
)

// file is a pcapng file that is being written.
type file struct {
	tap    Tap
	writer *pcapgo.NgWriter
	began  time.Time
	// links are what is known of the interfaces, by index; listed are those in the file, by number.
	links   map[int]*link
	listed  []*link
	packets uint64
}

// link is an interface as the file has it.
type link struct {
	// id is its number in the file; less than 0 if its frames cannot be described there.
	id       int
	received uint64
}

// hardware says what the frames of an interface begin with, by its ARPHRD_ number: an Ethernet
// header (lo has one, too) or, for tunnels, the IP header.
var hardware = map[uint16]layers.LinkType{
	1: layers.LinkTypeEthernet, 772: layers.LinkTypeEthernet,
	519: layers.LinkTypeRaw, 768: layers.LinkTypeRaw, 769: layers.LinkTypeRaw, 776: layers.LinkTypeRaw, 0xfffe: layers.LinkTypeRaw,
}

// newFile begins a file with the interfaces there are: one without packets is listed, too.
func newFile(tap Tap, w io.Writer) (*file, error) {
	f := &file{tap: tap, began: time.Now(), links: map[int]*link{}}
	for _, i := range tap.Interfaces() {
		if _, err := f.add(i, w); err != nil {
			return nil, err
		}
	}
	if len(f.listed) == 0 {
		return nil, fmt.Errorf("pcapng cannot describe the frames of any of the interfaces %v", tap.Interfaces())
	}
	return f, f.flush()
}

// section is what a file says of itself.
var section = pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Hardware: runtime.GOARCH, OS: runtime.GOOS, Application: "NetLab"}}

func describe(i packet.Interface) (description pcapgo.NgInterface, ok bool) {
	linkType, ok := hardware[i.Hardware]
	return pcapgo.NgInterface{Name: i.Name, OS: runtime.GOOS, LinkType: linkType}, ok
}

// add lists an interface. The first one begins the file: the library writes no file without.
func (f *file) add(i packet.Interface, w io.Writer) (*link, error) {
	added := &link{id: -1}
	f.links[i.Index] = added
	description, ok := describe(i)
	if !ok {
		return added, nil
	}
	var err error
	if f.writer == nil {
		f.writer, err = pcapgo.NewNgWriterInterface(w, description, section)
	} else {
		_, err = f.writer.AddInterface(description) // numbers them as they come
	}
	added.id = len(f.listed)
	f.listed = append(f.listed, added)
	return added, err
}

// write adds a packet. One of an interface that has gone before it could be named is left out.
func (f *file) write(p packet.Packet) error {
	on, known := f.links[p.Index]
	if !known {
		i, err := f.tap.Interface(p.Index)
		if err != nil {
			return nil //nolint:nilerr // nothing can be said of the interface
		}
		if on, err = f.add(i, nil); err != nil {
			return err
		}
	}
	if on.id < 0 {
		return nil
	}
	f.packets++
	on.received++
	info := gopacket.CaptureInfo{Timestamp: p.Time, CaptureLength: len(p.Data), Length: p.Length, InterfaceIndex: on.id}
	return f.writer.WritePacket(info, p.Data)
}

func (f *file) flush() error { return f.writer.Flush() }

// finish adds the statistics. What was dropped is known of all interfaces together.
func (f *file) finish(dropped uint64) error {
	if len(f.listed) > 1 {
		dropped = pcapgo.NgNoValue64
	}
	now := time.Now()
	for _, l := range f.listed {
		err := f.writer.WriteInterfaceStats(l.id, pcapgo.NgInterfaceStatistics{
			LastUpdate: now, StartTime: f.began, EndTime: now,
			PacketsReceived: l.received, PacketsDropped: dropped,
		})
		if err != nil {
			return err
		}
	}
	return f.flush()
}
