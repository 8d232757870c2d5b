// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/kernel"
)

// stream is numbered packets, a thousand a second, from one node to another.
type stream struct {
	from, to *net.UDPConn
	stop     chan struct{}
	working  sync.WaitGroup
	// sent are all that the sender handed to its kernel, refused those of them that it did not take.
	sent, refused int
	// dropped are those that any CPU of the machine had no room for meanwhile (see backlogDrops).
	dropped  uint64
	received int
	late     int
	// gap is the longest time between two packets that arrived, pause between two that were sent.
	gap, pause time.Duration
}

const streamPort = 7000

// startStream sends from one namespace to an address in another, once a packet has come through.
func startStream(t testing.TB, k *kernel.Kernel, from, to, address string) *stream {
	t.Helper()
	s := &stream{stop: make(chan struct{})}
	if err := k.Enter(to, func() (err error) {
		s.to, err = net.ListenUDP("udp4", &net.UDPAddr{Port: streamPort})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := k.Enter(from, func() (err error) {
		s.from, err = net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.ParseIP(address), Port: streamPort})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.enlarge(); err != nil {
		t.Fatal(err)
	}
	s.awaitFirst(t)
	s.dropped = backlogDrops(t)
	s.working.Go(s.receive)
	s.working.Go(s.send)
	return s
}

// enlarge gives the receiver room for what comes while this process is not given a CPU.
func (s *stream) enlarge() error {
	raw, err := s.to.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, 64<<20)
	})
	if failed != nil { // in a user namespace; the machine's limit is what there is
		failed = s.to.SetReadBuffer(4 << 20)
	}
	if err != nil {
		return err
	}
	return failed
}

func (s *stream) awaitFirst(t testing.TB) {
	t.Helper()
	buf := make([]byte, 8)
	for range 100 {
		_, _ = s.from.Write(buf)
		_ = s.to.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := s.to.Read(buf); err == nil {
			for err == nil { // those sent before
				_ = s.to.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
				_, err = s.to.Read(buf)
			}
			_ = s.to.SetReadDeadline(time.Time{})
			return
		}
	}
	t.Fatal("no packet of the stream comes through")
}

func (s *stream) send() {
	begin, last := time.Now(), time.Now()
	for seq := 1; ; seq++ {
		time.Sleep(time.Until(begin.Add(time.Duration(seq) * time.Millisecond)))
		select {
		case <-s.stop:
			return
		default:
		}
		s.sent++
		if _, err := s.from.Write(binary.BigEndian.AppendUint64(nil, uint64(seq))); err != nil {
			s.refused++
		}
		s.pause, last = max(s.pause, time.Since(last)), time.Now()
	}
}

func (s *stream) receive() {
	buf := make([]byte, 8)
	var highest uint64
	last := time.Now()
	for {
		if _, err := s.to.Read(buf); err != nil {
			return
		}
		if seq := binary.BigEndian.Uint64(buf); seq < highest {
			s.late++
		} else {
			highest = seq
		}
		s.received++
		s.gap, last = max(s.gap, time.Since(last)), time.Now()
	}
}

// end stops sending, waits for what is under way, and closes.
func (s *stream) end(t testing.TB) {
	t.Helper()
	close(s.stop)
	_ = s.to.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	s.working.Wait()
	s.dropped = backlogDrops(t) - s.dropped
	_ = s.from.Close()
	_ = s.to.Close()
}

// mustHaveArrived fails if more packets were lost than the machine dropped.
func (s *stream) mustHaveArrived(t testing.TB) {
	t.Helper()
	if lost := s.sent - s.received; s.refused > 0 || uint64(lost) > s.dropped {
		t.Errorf("%d packets were lost", lost)
	}
}

func (s *stream) String() string {
	return fmt.Sprintf("%d packets sent, %d lost (%d of them refused by the sender's kernel; the whole machine dropped %d), %d reordered, longest gap %.1f ms (sender's longest pause %.1f ms)",
		s.sent, s.sent-s.received, s.refused, s.dropped, s.late, s.gap.Seconds()*1000, s.pause.Seconds()*1000)
}
