// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net/netip"
	"time"
)

// Family is an address family.
type Family uint8

// Address families, by their IP version.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// FamilyOf is the family of an address; an IPv4-mapped IPv6 address is IPv4.
func FamilyOf(a netip.Addr) Family {
	if a.Unmap().Is4() {
		return IPv4
	}
	return IPv6
}

func (f Family) String() string {
	if f == IPv4 {
		return "IPv4"
	}
	return "IPv6"
}

// Conn is a raw ICMP or ICMPv6 socket, opened where a probe starts.
//
// One goroutine writes and reads; another may call SetReadDeadline at the same time.
//
// IP_RECVERR and IPV6_RECVERR stay off: with them a raw socket also fails for the packets of every other raw
// socket in its namespace.
type Conn interface {
	// WriteTo sends one ICMP message without waiting for buffer space. Its errors wrap the kernel's
	// syscall.Errno, which determines the outcome. The checksum of an ICMP message is filled in; the kernel
	// fills in that of an ICMPv6 message for every raw socket.
	WriteTo(icmp []byte, dst netip.Addr) error
	// ReadFrom returns the next ICMP message, without the IP header of a raw IPv4 socket, its source, and when it
	// arrived, which may be before it is read. Echo requests are messages too. After the read deadline, even one
	// set during the call, it returns the messages that are there and then fails with os.ErrDeadlineExceeded. It
	// truncates messages longer than buf. buf has room for the expected reply and the longest IPv4 header (60
	// bytes), so the header may be read into it and removed.
	ReadFrom(buf []byte) (n int, src netip.Addr, arrived time.Time, err error)
	SetReadDeadline(t time.Time) error
	Close() error
}

// Options are those of a Conn.
type Options struct {
	Family       Family
	DontFragment bool       // packets larger than the path MTU fail with EMSGSIZE
	Source       netip.Addr // source address, if valid
}

// Dialer opens a Conn where a probe starts. It is called once per attempt, by many goroutines at the same
// time, and returns when ctx ends.
type Dialer func(ctx context.Context, from string, options Options) (Conn, error)

var longAgo = time.Unix(1, 0)

// closeWith makes ReadFrom fail as soon as ctx ends. The caller calls release instead of Close.
//
// A reader must set its deadline first and check ctx afterwards: then either it sees that ctx has ended, or
// the deadline set here comes after its own.
func closeWith(ctx context.Context, conn Conn) (release func()) {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		_ = conn.SetReadDeadline(longAgo)
	})
	return func() {
		if !stop() {
			<-interrupted
		}
		_ = conn.Close()
	}
}
