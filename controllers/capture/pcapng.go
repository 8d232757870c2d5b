// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bufio"
	"encoding/binary"
	"io"
	"runtime"
	"time"

	"github.com/netlab-dev/netlab/controllers/packet"
)

// This file writes pcapng (draft-ietf-opsawg-pcapng). A library that does fills tables of 5 MiB when a
// program starts, whether it captures or not.

// Types of blocks.
const (
	sectionBlock    = 0x0a0d0d0a
	interfaceBlock  = 1
	statisticsBlock = 5
	packetBlock     = 6
)

// byteOrderMagic begins a section, so that readers find out its byte order.
const byteOrderMagic = 0x1a2b3c4d

// Options of blocks.
const (
	endOfOptions = 0

	sectionHardware    = 2
	sectionOS          = 3
	sectionApplication = 4

	interfaceName        = 2
	interfaceDescription = 3
	interfaceResolution  = 9
	interfaceOS          = 12

	packetFlags = 2

	statisticsStart    = 2
	statisticsEnd      = 3
	statisticsReceived = 4
	statisticsDropped  = 5
)

// Directions in the flags of packets.
const (
	inbound  = 1
	outbound = 2
)

// nanoseconds is an interface's resolution of time: a negative power of ten.
const nanoseconds = 9

// linkType says what the frames of an interface begin with (LINKTYPE_*).
type linkType uint16

const (
	linkTypeEthernet linkType = 1
	linkTypeRaw      linkType = 101
)

const bufferSize = 64 << 10

// pcapng writes the blocks of one section.
type pcapng struct {
	w *bufio.Writer
	// block is the one being written, from its type on.
	block []byte
}

// newPcapng begins a section.
func newPcapng(w io.Writer) (*pcapng, error) {
	p := &pcapng{w: bufio.NewWriterSize(w, bufferSize)}
	p.begin(sectionBlock)
	p.number32(byteOrderMagic)
	p.number16(1)          // major version
	p.number16(0)          // minor version
	p.number64(^uint64(0)) // the section's length is not known
	p.option(sectionHardware, []byte(runtime.GOARCH))
	p.option(sectionOS, []byte(runtime.GOOS))
	p.option(sectionApplication, []byte("NetLab"))
	return p, p.endOptions()
}

// addInterface describes an interface. They are numbered as they come, from 0.
func (p *pcapng) addInterface(name, description string, frames linkType) error {
	p.begin(interfaceBlock)
	p.number16(uint16(frames))
	p.number16(0) // reserved
	p.number32(0) // no limit of length
	p.option(interfaceName, []byte(name))
	p.option(interfaceDescription, []byte(description))
	p.option(interfaceResolution, []byte{nanoseconds})
	p.option(interfaceOS, []byte(runtime.GOOS))
	return p.endOptions()
}

// writePacket writes a packet of the interface with a number.
func (p *pcapng) writePacket(on int, of packet.Packet) error {
	p.begin(packetBlock)
	p.number32(uint32(on))
	p.time(of.Time)
	p.number32(uint32(len(of.Data)))
	p.number32(uint32(of.Length))
	p.padded(of.Data)
	direction := uint32(inbound)
	if of.Outgoing {
		direction = outbound
	}
	p.number16(packetFlags)
	p.number16(4)
	p.number32(direction)
	return p.endOptions()
}

// statistics are an interface's. dropped is nil where it is not known.
type statistics struct {
	start, end time.Time
	received   uint64
	dropped    *uint64
}

func (p *pcapng) writeStatistics(on int, s statistics) error {
	p.begin(statisticsBlock)
	p.number32(uint32(on))
	p.time(s.end)
	p.timeOption(statisticsStart, s.start)
	p.timeOption(statisticsEnd, s.end)
	p.option(statisticsReceived, binary.NativeEndian.AppendUint64(nil, s.received))
	if s.dropped != nil {
		p.option(statisticsDropped, binary.NativeEndian.AppendUint64(nil, *s.dropped))
	}
	return p.endOptions()
}

func (p *pcapng) flush() error { return p.w.Flush() }

// begin leaves room for the block's length.
func (p *pcapng) begin(kind uint32) {
	p.block = p.block[:0]
	p.number32(kind)
	p.number32(0)
}

// end writes the block. Its length is at both ends of it.
func (p *pcapng) end() error {
	length := uint32(len(p.block) + 4)
	binary.NativeEndian.PutUint32(p.block[4:], length)
	p.number32(length)
	_, err := p.w.Write(p.block)
	return err
}

func (p *pcapng) endOptions() error {
	p.number16(endOfOptions)
	p.number16(0)
	return p.end()
}

func (p *pcapng) option(code uint16, value []byte) {
	p.number16(code)
	p.number16(uint16(len(value)))
	p.padded(value)
}

func (p *pcapng) timeOption(code uint16, t time.Time) {
	p.number16(code)
	p.number16(8)
	p.time(t)
}

// time is in two halves, the higher one first whatever the byte order.
func (p *pcapng) time(t time.Time) {
	now := uint64(t.UnixNano())
	p.number32(uint32(now >> 32))
	p.number32(uint32(now))
}

// padded appends up to three bytes, so that the next field is at a multiple of four.
func (p *pcapng) padded(value []byte) {
	p.block = append(p.block, value...)
	for len(p.block)%4 != 0 {
		p.block = append(p.block, 0)
	}
}

func (p *pcapng) number16(n uint16) { p.block = binary.NativeEndian.AppendUint16(p.block, n) }
func (p *pcapng) number32(n uint32) { p.block = binary.NativeEndian.AppendUint32(p.block, n) }
func (p *pcapng) number64(n uint64) { p.block = binary.NativeEndian.AppendUint64(p.block, n) }
