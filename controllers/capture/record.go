// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/netlab-dev/netlab/controllers/packet"
)

// Options limit a capture. The zero Options set no limit.
type Options struct {
	// Packets is the maximum number of packets; 0 means no limit.
	Packets int
	// Duration is the maximum duration; 0 means no limit.
	Duration time.Duration
	// Accept reports whether a packet is to be in the file; nil accepts every packet.
	Accept func(packet.Packet) bool
	// Follow receives the journeys of IP packets, each when it has ended; it may be nil. Owns reports whether a
	// node has an address.
	Follow func(Journey)
	Owns   func(node string, a netip.Addr) bool
}

// Ending is why a capture ended.
type Ending string

// Endings of a capture.
const (
	// Interrupted: the context ended.
	Interrupted Ending = "Interrupted"
	// LimitReached: the capture reached a limit of its Options.
	LimitReached Ending = "LimitReached"
	// LinkDown: the only interface was set down or deleted.
	LinkDown Ending = "LinkDown"
	// LabDeleted: the lab was deleted.
	LabDeleted Ending = "LabDeleted"
)

// Summary is the result of a capture.
type Summary struct {
	// Packets is the number of packets in the file.
	Packets uint64 `json:"packets"`
	// Dropped is the number of packets that were not read in time. DroppedAt has the numbers of the sockets,
	// where there are several.
	Dropped   uint64 `json:"dropped"`
	DroppedAt string `json:"droppedAt,omitempty"`
	Ending    Ending `json:"ending"`
	// Probe is the result of the probe during which packets were captured.
	Probe string `json:"probe,omitempty"`
}

// Tap is a packet socket.
type Tap interface {
	// Interfaces returns the interfaces at the start. A socket for all interfaces may see more.
	Interfaces() []packet.Interface
	// Interface returns the interface with an index.
	Interface(index int) (packet.Interface, error)
	// Read waits for a packet until the deadline (os.ErrDeadlineExceeded).
	Read() (packet.Packet, error)
	SetReadDeadline(t time.Time) error
	// Statistics returns the kernel's counts. A packet is counted before it can be read.
	Statistics() (packet.Statistics, error)
	// Down reports whether the only interface was set down or deleted since the last call.
	Down() bool
	// Deleted reports whether only this socket keeps the namespace alive.
	Deleted() bool
	Close() error
}

// Source is a packet socket at a node of a lab.
type Source struct {
	Tap
	// Node is the name of the node.
	Node string
	// Ends describes the ends of links among the node's interfaces, by their names. Far are the other ends.
	Ends map[string]string
	Far  map[string]End
}

// End is an end of a link.
type End struct{ Node, Interface string }

// tick is how often packets are read and written, and the end is checked. It is well below the two seconds for
// which the deletion of a lab waits for its namespaces to end.
const tick = 50 * time.Millisecond

// Record captures until the end, and closes the sources. Packets are in the order of their times. The file is
// complete after every error except one of writing.
func Record(ctx context.Context, sources []Source, o Options, w io.Writer) (Summary, error) {
	r := recorder{options: o, began: time.Now()}
	for _, s := range sources {
		r.readers = append(r.readers, &reader{Source: s})
	}
	defer r.close()
	file, err := newFile(sources, w)
	if err != nil {
		return Summary{}, fmt.Errorf("begin the capture: %w", err)
	}
	r.file, r.follower = file, newFollower(sources, o)
	ending, err := r.run(ctx)
	summary := Summary{Packets: file.packets, Ending: ending}
	r.countDropped(&summary)
	if finishErr := file.finish(r.readers); err == nil { // else it is the same error of writing again
		err = finishErr
	}
	if err != nil {
		return summary, fmt.Errorf("capture: %w", err)
	}
	return summary, nil
}

type recorder struct {
	readers []*reader
	options Options
	file    *file
	began   time.Time

	follower *follower
	// read are packets that are not written yet. Their data is in chunks.
	read, left []arrived
	order      []position
	chunk      []byte
	// busy reports that the last round has read so much that the buffers may be full again soon.
	busy bool
}

// position is the time of a packet, and its number among those that were read, which are in the order of their
// sources.
type position struct {
	time   int64
	packet int
}

// arrived is a packet and the number of its source.
type arrived struct {
	source int
	packet.Packet
}

func (r *recorder) close() {
	for _, s := range r.readers {
		_ = s.Close()
	}
}

func (r *recorder) run(ctx context.Context) (Ending, error) {
	for {
		ending := r.ended(ctx)
		began := time.Now()
		if err := r.round(ending != ""); ending != "" || err != nil {
			return ending, err
		}
		if r.full() {
			return LimitReached, nil
		}
		if !r.busy {
			r.pause(ctx, tick-time.Since(began))
		}
	}
}

// pause lets packets gather.
func (r *recorder) pause(ctx context.Context, long time.Duration) {
	if left := r.options.Duration - time.Since(r.began); r.options.Duration > 0 {
		long = min(long, left)
	}
	wait := time.NewTimer(max(0, long))
	defer wait.Stop()
	select {
	case <-ctx.Done():
	case <-wait.C:
	}
}

func (r *recorder) ended(ctx context.Context) Ending {
	switch {
	case ctx.Err() != nil:
		return Interrupted
	case r.options.Duration > 0 && time.Since(r.began) >= r.options.Duration:
		return LimitReached
	case r.deleted():
		return LabDeleted
	case r.down():
		return LinkDown
	}
	return ""
}

// deleted reports whether all namespaces are deleted. It asks each one, so that none is kept alive.
func (r *recorder) deleted() bool {
	alive := 0
	for _, s := range r.readers {
		if !s.Deleted() {
			alive++
		}
	}
	return alive == 0
}

// down reports whether the only interface went down. A capture of several goes on: the others show what
// packets do now.
func (r *recorder) down() bool { return len(r.readers) == 1 && r.readers[0].Down() }

func (r *recorder) full() bool {
	return r.options.Packets > 0 && r.file.packets >= uint64(r.options.Packets)
}

// inFlight is longer than a kernel takes from a packet's timestamp to its count.
const inFlight = 10 * time.Millisecond

// round reads the packets that the sources have now, and writes them in the order of their times. Packets that
// have arrived since the round began, or shortly before, wait for the next one, because another source may have
// earlier ones then; the last round writes all.
func (r *recorder) round(last bool) error {
	mark := time.Now()
	if err := r.readAll(mark); err != nil {
		return err
	}
	r.sort()
	n, until := 0, mark.Add(-inFlight)
	for ; n < len(r.order) && (last || r.at(n).Time.Before(until)) && !r.full(); n++ {
		if err := r.write(r.at(n)); err != nil {
			return err
		}
	}
	r.keepFrom(n)
	if last || r.full() {
		until = time.Time{}
		r.follower.endWith(r.full())
	}
	r.follower.finish(until)
	return r.file.flush()
}

// sort finds the order of the packets. Small keys are moved instead of packets.
func (r *recorder) sort() {
	r.order = r.order[:0]
	for i := range r.read {
		r.order = append(r.order, position{r.read[i].Time.UnixNano(), i})
	}
	slices.SortFunc(r.order, func(a, b position) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.packet, b.packet))
	})
}

// at is the packet at a place of the order.
func (r *recorder) at(n int) *arrived { return &r.read[r.order[n].packet] }

// keepFrom forgets the packets before a place of the order.
func (r *recorder) keepFrom(n int) {
	r.left = r.left[:0]
	for ; n < len(r.order); n++ {
		r.left = append(r.left, *r.at(n))
	}
	r.read, r.left = r.left, r.read
}

// write writes a packet of a known interface that is wanted.
func (r *recorder) write(p *arrived) error {
	on, err := r.file.link(*p)
	if err != nil || on == nil || r.options.Accept != nil && !r.options.Accept(p.Packet) {
		return err
	}
	r.follower.see(*p, on)
	return r.file.write(on, p.Packet)
}

// readAll reads the packets that the sources have counted, and closes those of deleted namespaces.
func (r *recorder) readAll(mark time.Time) error {
	for _, s := range r.readers {
		if err := s.count(); err != nil {
			return err
		}
	}
	var failed []error
	size := 0
	for i, s := range r.readers {
		failed = append(failed, s.readUntil(mark.Add(readTimeout), func(p packet.Packet) {
			size += len(p.Data)
			p.Data = r.keep(p.Data)
			r.read = append(r.read, arrived{source: i, Packet: p})
		}))
		if s.leaving {
			failed = append(failed, s.Close())
		}
	}
	r.busy = size > busySize
	return errors.Join(failed...)
}

// Sizes of memory for packets. Many small pieces would be work for the garbage collector.
const (
	chunkSize = 64 << 10
	busySize  = 512 << 10
)

// keep copies the data of a packet.
func (r *recorder) keep(data []byte) []byte {
	if cap(r.chunk)-len(r.chunk) < len(data) {
		r.chunk = make([]byte, 0, max(chunkSize, len(data)))
	}
	at := len(r.chunk)
	r.chunk = append(r.chunk, data...)
	return r.chunk[at:len(r.chunk):len(r.chunk)]
}

// countDropped adds the drops of all sources.
func (r *recorder) countDropped(s *Summary) {
	var at []string
	for _, one := range r.readers {
		s.Dropped += one.counted.Dropped
		if one.counted.Dropped > 0 {
			at = append(at, fmt.Sprintf("%s %d", one.name(), one.counted.Dropped))
		}
	}
	if len(r.readers) > 1 {
		s.DroppedAt = strings.Join(at, ", ")
	}
}

// readTimeout limits how long a round waits for packets that the kernel has counted. They are in a block that
// it hands over within 40 ms.
const readTimeout = 2 * time.Second

// reader reads a source.
type reader struct {
	Source
	counted packet.Statistics
	// taken is the number of packets that were read.
	taken uint64
	// leaving reports that the namespace was deleted, closed that the socket is.
	leaving, closed bool
}

func (s *reader) count() (err error) {
	if !s.closed {
		s.counted, err = s.Statistics()
	}
	return err
}

// Deleted closes the socket of a deleted namespace when it is read: until then it keeps the namespace alive.
func (s *reader) Deleted() bool {
	if !s.closed && s.Tap.Deleted() {
		s.leaving = true
	}
	return s.leaving
}

// Close closes the socket once.
func (s *reader) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return s.Tap.Close()
}

// name is the node's, with that of the interface if there is one.
func (s *reader) name() string {
	if is := s.Interfaces(); len(is) == 1 {
		return s.Node + ":" + is[0].Name
	}
	return s.Node
}

// readUntil reads the packets that the kernel has counted.
func (s *reader) readUntil(deadline time.Time, each func(packet.Packet)) error {
	if s.taken >= s.counted.Accepted {
		return nil
	}
	if err := s.SetReadDeadline(deadline); err != nil {
		return err
	}
	for s.taken < s.counted.Accepted {
		p, err := s.Read()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		s.taken++
		if !p.Twice {
			each(p)
		}
	}
	return nil
}
