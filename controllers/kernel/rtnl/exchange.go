// SPDX-License-Identifier: Apache-2.0

package rtnl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// answerSize holds whatever the kernel puts into one answer: at most 32 KiB of a dump, and one
// message however long it is.
const answerSize = 64 << 10

// answers are shared by all sockets: one each would be most of an agent's memory.
var answers = sync.Pool{New: func() any { return new([answerSize]byte) }}

// exchange sends a request and calls each with every message of the answer, which it must not
// keep. After an error of each the rest of the answer is passed over.
func (c *Conn) exchange(kind, flags int, data []nl.NetlinkRequestData, each func(msg []byte) error) error {
	c.sequence++
	request := nl.NetlinkRequest{Data: data, NlMsghdr: unix.NlMsghdr{
		Len: unix.SizeofNlMsghdr, Type: uint16(kind), Flags: uint16(unix.NLM_F_REQUEST | flags), Seq: c.sequence,
	}}
	message := request.Serialize()
	if _, err := ignoreSignals(send, c.socket, message); err != nil {
		return fmt.Errorf("send to the kernel: %w", err)
	}
	buffer := answers.Get().(*[answerSize]byte)
	defer answers.Put(buffer)
	answer := answer{sequence: c.sequence, each: each}
	for !answer.complete {
		datagram, err := c.receive(buffer[:])
		if err == nil {
			err = answer.read(datagram)
		}
		if err != nil {
			return err
		}
	}
	return answer.result()
}

// send is sendto(2), of which strace shows the message; write(2) would hide it from the tests that
// count what is written to the kernel.
func send(socket int, message []byte) (int, error) {
	return len(message), unix.Send(socket, message, 0)
}

// receive reads a datagram. read(2) says nothing of one that did not fit, except that it fills the buffer.
func (c *Conn) receive(buffer []byte) (datagram []byte, err error) {
	n, err := ignoreSignals(unix.Read, c.socket, buffer)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return nil, errNoReply
	case err != nil:
		return nil, fmt.Errorf("receive from the kernel: %w", err)
	case n == len(buffer):
		return nil, fmt.Errorf("the kernel's reply exceeds %d bytes", len(buffer)-1)
	}
	return buffer[:n], nil
}

// ignoreSignals calls read or send until no signal interrupts it: a socket with a timeout is
// interrupted even by signals that restart other calls.
func ignoreSignals(call func(fd int, b []byte) (int, error), socket int, b []byte) (n int, err error) {
	for {
		n, err = call(socket, b)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// answer is what came so far in answer to one request.
type answer struct {
	sequence uint32
	each     func(msg []byte) error
	complete bool
	// interrupted says that the kernel's state changed between two parts of a dump.
	interrupted bool
	// refused is the kernel's error, failed the one of each.
	refused, failed error
}

func (a *answer) result() error {
	switch {
	case a.refused != nil:
		return a.refused
	case a.interrupted:
		return ErrInterrupted
	}
	return a.failed
}

// read takes the messages of a datagram.
func (a *answer) read(datagram []byte) error {
	for len(datagram) >= unix.SizeofNlMsghdr && !a.complete {
		length := int(binary.NativeEndian.Uint32(datagram))
		if length < unix.SizeofNlMsghdr || length > len(datagram) {
			return errors.New("truncated netlink message")
		}
		if binary.NativeEndian.Uint32(datagram[8:]) == a.sequence {
			a.take(binary.NativeEndian.Uint16(datagram[4:]), binary.NativeEndian.Uint16(datagram[6:]), datagram[unix.SizeofNlMsghdr:length])
		}
		datagram = datagram[min(len(datagram), (length+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1)):]
	}
	return nil
}

// take takes one message. Acknowledgements are errors without a number, and so is the end of a
// dump that succeeded.
func (a *answer) take(kind, flags uint16, payload []byte) {
	a.interrupted = a.interrupted || flags&unix.NLM_F_DUMP_INTR != 0
	if kind == unix.NLMSG_DONE || kind == unix.NLMSG_ERROR {
		a.complete = true
		if errno := -int32(Uint32(payload)); errno != 0 {
			a.refused = unix.Errno(errno)
		}
		return
	}
	if a.failed == nil {
		a.failed = a.each(payload)
	}
	a.complete = flags&unix.NLM_F_MULTI == 0
}
