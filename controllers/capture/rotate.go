// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Rotator writes a stream of pcapng to one file after the other. Each file has whole blocks only, beginning with
// the section and the interfaces so far, so it can be read whatever ends the stream. The statistics are in the
// last file.
type Rotator struct {
	// size is the size of a file, as far as one packet fits; 0 means that there is one file.
	size int64
	next func(number int) (io.WriteCloser, error)

	number  int
	file    io.WriteCloser
	written int64
	order   binary.ByteOrder
	// header are the blocks that each file begins with, unread is the beginning of a block. pending are whole
	// blocks for the file: one system call writes many.
	header, unread, pending []byte
}

// NewRotator makes a Rotator. It calls next for each file, from number 1 on.
func NewRotator(size int64, next func(number int) (io.WriteCloser, error)) *Rotator {
	return &Rotator{size: size, next: next}
}

// Write takes any part of the stream.
func (r *Rotator) Write(b []byte) (int, error) {
	r.unread = append(r.unread, b...)
	left := r.unread
	for {
		length, err := r.blockLength(left)
		if err != nil {
			return 0, err
		}
		if length == 0 {
			break
		}
		if err := r.writeBlock(left[:length]); err != nil {
			return 0, err
		}
		left = left[length:]
	}
	r.unread = append(r.unread[:0], left...)
	return len(b), r.flush()
}

// minBlock is the size of a block without content.
const minBlock = 12

// blockLength is 0 for a block that is not complete.
func (r *Rotator) blockLength(b []byte) (int, error) {
	if len(b) < minBlock {
		return 0, nil
	}
	if binary.LittleEndian.Uint32(b) == sectionBlock {
		r.order = binary.LittleEndian
		if binary.BigEndian.Uint32(b[8:]) == byteOrderMagic {
			r.order = binary.BigEndian
		}
	}
	if r.order == nil {
		return 0, errors.New("the capture does not begin like pcapng")
	}
	length := int(r.order.Uint32(b[4:]))
	if length < minBlock || length%4 != 0 {
		return 0, fmt.Errorf("a block of the capture has %d bytes", length)
	}
	if length > len(b) {
		return 0, nil
	}
	return length, nil
}

func (r *Rotator) writeBlock(block []byte) error {
	kind := r.order.Uint32(block)
	if kind == sectionBlock || kind == interfaceBlock {
		r.header = append(r.header, block...)
	}
	full := r.size > 0 && kind == packetBlock && r.written > int64(len(r.header)) && r.written+int64(len(block)) > r.size
	if r.file == nil || full {
		if err := r.open(kind); err != nil {
			return err
		}
	}
	r.pending = append(r.pending, block...)
	r.written += int64(len(block))
	return nil
}

func (r *Rotator) flush() error {
	if len(r.pending) == 0 || r.file == nil {
		return nil
	}
	_, err := r.file.Write(r.pending)
	r.pending = r.pending[:0]
	return err
}

// open begins a file. The first one gets its section and interfaces as they come.
func (r *Rotator) open(kind uint32) error {
	if err := r.Close(); err != nil {
		return err
	}
	r.number++
	var err error
	if r.file, err = r.next(r.number); err != nil || kind == sectionBlock {
		r.written = 0
		return err
	}
	r.pending = append(r.pending, r.header...)
	r.written = int64(len(r.header))
	return nil
}

// Close closes the last file.
func (r *Rotator) Close() error {
	if r.file == nil {
		return nil
	}
	err := errors.Join(r.flush(), r.file.Close())
	r.file = nil
	return err
}
