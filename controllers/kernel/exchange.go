// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// This file exchanges messages with the kernel. It does without the library's sockets, which are
// made for waiting: rtnetlink has its answer ready when the request is sent, and a lab is some
// ten thousand requests.

// replyTimeout is how long the kernel may take for one answer.
var replyTimeout = unix.Timeval{Sec: 10}

// errNoReply is a socket's timeout.
var errNoReply = fmt.Errorf("the kernel did not answer within %d s", replyTimeout.Sec)

// conn is an rtnetlink socket. It belongs to the namespace it was opened in, wherever the
// thread goes afterwards, and keeps that namespace alive until it is closed. One goroutine at a
// time may use it.
type conn struct {
	socket int
	// sequence is the last request's number; its answers carry it.
	sequence uint32
	// kernel is where requests go; sending writes to it.
	kernel unix.SockaddrNetlink
}

// dial opens a socket in the namespace of the calling thread.
func dial() (*conn, error) { return dialProtocol(unix.NETLINK_ROUTE) }

func dialProtocol(protocol int) (*conn, error) {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	if err := configure(socket); err != nil {
		return nil, errors.Join(fmt.Errorf("configure a netlink socket: %w", err), unix.Close(socket))
	}
	return &conn{socket: socket, kernel: unix.SockaddrNetlink{Family: unix.AF_NETLINK}}, nil
}

// configure makes dumps obey their filters, which without strict checking the kernel ignores.
func configure(socket int) error {
	if err := unix.SetsockoptInt(socket, unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1); err != nil {
		return err
	}
	return unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &replyTimeout)
}

func (c *conn) close() {
	unix.Close(c.socket) //nolint:errcheck // nothing is buffered in it
}

// fd is for ioctls that ask the socket's namespace.
func (c *conn) fd() int { return c.socket }

// cookie is the number of the socket's network namespace; 0 where the kernel has none.
func (c *conn) cookie() uint64 {
	cookie, err := unix.GetsockoptUint64(c.socket, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0
	}
	return cookie
}

// answerSize holds whatever the kernel puts into one answer: at most 32 KiB of a dump, and one
// message however long it is.
const answerSize = 64 << 10

// answers are shared by all sockets: one each would be most of an agent's memory.
var answers = sync.Pool{New: func() any { return new([answerSize]byte) }}

// exchange sends a request and calls each with every message of the answer, which it must not
// keep. After an error of each the rest of the answer is passed over.
func (c *conn) exchange(kind, flags int, data []nl.NetlinkRequestData, each func(msg []byte) error) error {
	c.sequence++
	request := nl.NetlinkRequest{Data: data, NlMsghdr: unix.NlMsghdr{
		Len: unix.SizeofNlMsghdr, Type: uint16(kind), Flags: uint16(unix.NLM_F_REQUEST | flags), Seq: c.sequence,
	}}
	message := request.Serialize()
	if err := ignoreSignals(func() error { return unix.Sendto(c.socket, message, 0, &c.kernel) }); err != nil {
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

func (c *conn) receive(buffer []byte) (datagram []byte, err error) {
	var n, flags int
	err = ignoreSignals(func() (err error) {
		n, _, flags, _, err = unix.Recvmsg(c.socket, buffer, nil, 0)
		return err
	})
	switch {
	case errors.Is(err, unix.EAGAIN):
		return nil, errNoReply
	case err != nil:
		return nil, fmt.Errorf("receive from the kernel: %w", err)
	case flags&unix.MSG_TRUNC != 0:
		return nil, fmt.Errorf("the kernel's answer is longer than %d bytes", len(buffer))
	}
	return buffer[:n], nil
}

// ignoreSignals calls a function until no signal interrupts it: a socket with a timeout is
// interrupted even by signals that restart other calls.
func ignoreSignals(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
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
		return errInterrupted
	}
	return a.failed
}

// read takes the messages of a datagram.
func (a *answer) read(datagram []byte) error {
	for len(datagram) >= unix.SizeofNlMsghdr && !a.complete {
		length := int(binary.NativeEndian.Uint32(datagram))
		if length < unix.SizeofNlMsghdr || length > len(datagram) {
			return errors.New("a netlink message is cut short")
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
		if errno := -int32(number(payload)); errno != 0 {
			a.refused = unix.Errno(errno)
		}
		return
	}
	if a.failed == nil {
		a.failed = a.each(payload)
	}
	a.complete = flags&unix.NLM_F_MULTI == 0
}
