package probe

import (
	"context"
	"net/netip"
	"time"
)

// Family is an address family.
type Family uint8

// The address families, by their IP version.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// FamilyOf is the family of an address; an IPv4 address written as an IPv6 one is of IPv4.
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
	// WriteTo sends one ICMP message and does not wait for room in a buffer. Its errors wrap the
	// syscall.Errno of the kernel, which is what outcomes are made of. The checksum of an ICMP message is
	// already filled in, that of an ICMPv6 message is left to the kernel, which does it for every raw socket.
	WriteTo(icmp []byte, dst netip.Addr) error
	// ReadFrom yields the next ICMP message, without the IP header that a raw IPv4 socket puts before it,
	// and its source. After the read deadline, also one set while it waits, it yields what has come before
	// it is called and then fails with os.ErrDeadlineExceeded. A message longer than buf is cut off; buf has room for the longest IPv4
	// header (60 bytes) beside the reply that is awaited, so the header may be read into it and removed.
	ReadFrom(buf []byte) (n int, src netip.Addr, err error)
	SetReadDeadline(t time.Time) error
	Close() error
}

// Options are how a Conn has to be.
type Options struct {
	Family       Family
	DontFragment bool       // packets over the path's MTU fail with EMSGSIZE
	Source       netip.Addr // bind to it if it is valid
}

// Dialer opens a Conn at the place a probe starts from. It is called once for every attempt, by many
// goroutines at the same time, and gives up when ctx is done.
type Dialer func(ctx context.Context, from string, options Options) (Conn, error)

var longAgo = time.Unix(1, 0)

// closeWith makes ReadFrom fail as soon as ctx is done. The caller calls release instead of Close.
//
// A reader must set its deadline first and look at ctx afterwards: then either it sees that ctx is done, or
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
