// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/netlab-dev/netlab/controllers/packet"
)

// file is a pcapng file during a capture.
type file struct {
	sources []Source
	// oneNode reports that all sources are of one node: names of interfaces are enough.
	oneNode bool
	writer  *pcapng
	began   time.Time
	// links are the known interfaces; listed are those in the file, by number.
	links   map[linkID]*link
	listed  []*link
	packets uint64
}

// linkID is an interface's source, by number, and its index there.
type linkID struct{ source, index int }

// link is an interface in the file.
type link struct {
	linkID
	// id is its number in the file; negative if pcapng cannot describe its frames.
	id       int
	name     string
	frames   linkType
	received uint64
}

// hardware says what the frames of an interface begin with, by its ARPHRD_ number: an Ethernet
// header (lo has one, too) or, for tunnels, the IP header.
var hardware = map[uint16]linkType{
	1: linkTypeEthernet, 772: linkTypeEthernet,
	519: linkTypeRaw, 768: linkTypeRaw, 769: linkTypeRaw, 776: linkTypeRaw, 0xfffe: linkTypeRaw,
}

// newFile begins a file with the existing interfaces, including those without packets.
func newFile(sources []Source, w io.Writer) (*file, error) {
	writer, err := newPcapng(w)
	if err != nil {
		return nil, err
	}
	f := &file{sources: sources, writer: writer, began: time.Now(), links: map[linkID]*link{}}
	f.oneNode = !slices.ContainsFunc(sources, func(s Source) bool { return s.Node != sources[0].Node })
	var known []packet.Interface
	for n, s := range sources {
		for _, i := range s.Interfaces() {
			known = append(known, i)
			if _, err := f.add(n, i); err != nil {
				return nil, err
			}
		}
	}
	if len(f.listed) == 0 {
		return nil, fmt.Errorf("pcapng cannot describe the frames of any of the interfaces %v", known)
	}
	return f, f.flush()
}

// add lists an interface.
func (f *file) add(source int, i packet.Interface) (*link, error) {
	added := &link{id: -1, linkID: linkID{source, i.Index}, name: i.Name}
	f.links[added.linkID] = added
	frames, ok := hardware[i.Hardware]
	if !ok {
		return added, nil
	}
	added.id, added.frames = len(f.listed), frames
	f.listed = append(f.listed, added)
	return added, f.writer.addInterface(f.name(source, i.Name), f.description(source, i.Name), frames)
}

// name is an interface's in the file.
func (f *file) name(source int, link string) string {
	if f.oneNode {
		return link
	}
	return f.sources[source].Node + ":" + link
}

func (f *file) description(source int, link string) string {
	s := f.sources[source]
	if end, ok := s.Ends[link]; ok {
		return "node " + s.Node + ", " + end
	}
	return "node " + s.Node
}

// link is the interface of a packet; nil if it was deleted before its name was read, or if pcapng cannot
// describe its frames.
func (f *file) link(p arrived) (*link, error) {
	on, known := f.links[linkID{p.source, p.Index}]
	if !known {
		i, err := f.sources[p.source].Interface(p.Index)
		if err != nil {
			return nil, nil //nolint:nilerr,nilnil // the interface is gone
		}
		if on, err = f.add(p.source, i); err != nil {
			return nil, err
		}
	}
	if on.id < 0 {
		return nil, nil //nolint:nilnil // see above
	}
	return on, nil
}

func (f *file) write(on *link, p packet.Packet) error {
	f.packets++
	on.received++
	return f.writer.writePacket(on.id, p)
}

func (f *file) flush() error { return f.writer.flush() }

// finish adds the statistics. The kernel counts drops for all interfaces of a socket together.
func (f *file) finish(readers []*reader) error {
	now := time.Now()
	of := map[int]int{}
	for _, l := range f.listed {
		of[l.source]++
	}
	for _, l := range f.listed {
		s := statistics{start: f.began, end: now, received: l.received}
		if of[l.source] == 1 {
			s.dropped = &readers[l.source].counted.Dropped
		}
		if err := f.writer.writeStatistics(l.id, s); err != nil {
			return err
		}
	}
	return f.flush()
}
