// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is the memory into which the kernel copies packets (TPACKET_V3): blocks, which the kernel hands over
// full or after retireTimeout, and which go back to it when they are read.
type ring struct {
	memory []byte
	// block is the one to read next, or being read if held.
	block int
	held  bool
	// left is the number of unread packets of the block, at the offset of the next one in memory.
	left, at int
}

const (
	// blockSize has room for a frame of 64 KiB: the kernel truncates larger ones.
	blockSize     = 128 << 10
	retireTimeout = 20 * time.Millisecond
)

// The offsets in struct tpacket_block_desc.
const (
	blockStatus      = 8
	blockPackets     = 12
	blockFirstPacket = 16
)

// The offsets in struct tpacket3_hdr, and the struct sockaddr_ll behind it.
const (
	headerNext      = 0
	headerSeconds   = 4
	headerNanos     = 8
	headerCaptured  = 12
	headerLength    = 16
	headerStatus    = 20
	headerFrame     = 24
	headerVLAN      = 32
	headerTPID      = 36
	addressIndex    = unix.SizeofTpacket3Hdr + 4
	addressHardware = unix.SizeofTpacket3Hdr + 8
	addressType     = unix.SizeofTpacket3Hdr + 10
)

// open makes a ring of about a size.
func (r *ring) open(fd, size int) error {
	blocks := max(2, size/blockSize)
	err := unix.SetsockoptTpacketReq3(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq3{
		Block_size: blockSize, Block_nr: uint32(blocks),
		Frame_size: blockSize, Frame_nr: uint32(blocks),
		Retire_blk_tov: uint32(retireTimeout.Milliseconds()),
	})
	if err != nil {
		return fmt.Errorf("make a ring of %d bytes for a packet socket: %w", blocks*blockSize, err)
	}
	r.memory, err = unix.Mmap(fd, 0, blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map the ring of a packet socket: %w", err)
	}
	return nil
}

func (r *ring) close() error {
	memory := r.memory
	if r.memory = nil; memory == nil {
		return nil
	}
	return unix.Munmap(memory)
}

// status is shared with the kernel, which writes a block before its status and reads it after.
func (r *ring) status() *uint32 {
	return (*uint32)(unsafe.Pointer(&r.memory[r.block*blockSize+blockStatus]))
}

// ready reports whether there is a packet to read. The packet before it is gone then.
func (r *ring) ready() bool {
	for r.left == 0 {
		if r.held {
			r.release()
		}
		if atomic.LoadUint32(r.status())&unix.TP_STATUS_USER == 0 {
			return false
		}
		r.held = true
		start := r.block * blockSize
		r.left = int(r.number32(start + blockPackets))
		r.at = start + int(r.number32(start+blockFirstPacket))
	}
	return true
}

// next returns the offset of the next packet's header.
func (r *ring) next() int {
	at := r.at
	r.left--
	r.at += int(r.number32(at + headerNext))
	return at
}

// release hands a block that was read back to the kernel.
func (r *ring) release() {
	atomic.StoreUint32(r.status(), unix.TP_STATUS_KERNEL)
	r.held = false
	r.block = (r.block + 1) % (len(r.memory) / blockSize)
}

func (r *ring) number32(at int) uint32 { return binary.NativeEndian.Uint32(r.memory[at:]) }
func (r *ring) number16(at int) uint16 { return binary.NativeEndian.Uint16(r.memory[at:]) }
