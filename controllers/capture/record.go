// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/netlab-dev/netlab/controllers/packet"
)

// Options limit a capture. The zero Options set no limit.
type Options struct {
	// Packets is the maximum number of packets; 0 means no limit.
	Packets int
	// Duration is the maximum duration; 0 means no limit.
	Duration time.Duration
}

// Ending is why a capture ended.
type Ending string

// Endings of a capture.
const (
	// Interrupted: the context ended.
	Interrupted Ending = "Interrupted"
	// LimitReached: the capture reached a limit of its Options.
	LimitReached Ending = "LimitReached"
	// LinkDown: the interface was set down or deleted.
	LinkDown Ending = "LinkDown"
	// LabDeleted: the lab was deleted.
	LabDeleted Ending = "LabDeleted"
)

// Summary is the result of a capture.
type Summary struct {
	// Packets is the number of packets in the file.
	Packets uint64 `json:"packets"`
	// Dropped is the number of packets that were not read in time.
	Dropped uint64 `json:"dropped"`
	Ending  Ending `json:"ending"`
}

// Tap is a packet socket.
type Tap interface {
	// Interfaces returns the interfaces at the start. A socket for all interfaces may see more.
	Interfaces() []packet.Interface
	// Interface returns the interface with an index.
	Interface(index int) (packet.Interface, error)
	// Read waits for a packet until the deadline (os.ErrDeadlineExceeded).
	Read(buf []byte) (packet.Packet, error)
	SetReadDeadline(t time.Time) error
	// Dropped returns the number of packets dropped since the last call.
	Dropped() (uint64, error)
	// Deleted reports whether only this socket keeps the namespace alive.
	Deleted() bool
	Close() error
}

// tick is how often packets are flushed to the file and the end is checked. It is well below the two seconds
// for which the deletion of a lab waits for its namespaces to end.
const tick = 250 * time.Millisecond

// Record captures until the end, and closes the tap. The file is complete after every error except one of
// writing.
func Record(ctx context.Context, tap Tap, o Options, w io.Writer) (Summary, error) {
	defer tap.Close()
	file, err := newFile(tap, w)
	if err != nil {
		return Summary{}, fmt.Errorf("begin the capture: %w", err)
	}
	r := recorder{tap: tap, options: o, file: file, began: time.Now()}
	ending, err := r.run(ctx)
	dropped, statErr := tap.Dropped()
	summary := Summary{Packets: file.packets, Dropped: dropped, Ending: ending}
	if err = errors.Join(err, statErr, file.finish(dropped)); err != nil {
		return summary, fmt.Errorf("capture: %w", err)
	}
	return summary, nil
}

type recorder struct {
	tap     Tap
	options Options
	file    *file
	began   time.Time
}

func (r *recorder) run(ctx context.Context) (Ending, error) {
	buf := make([]byte, packet.MaxSize)
	for {
		if ending := r.ended(ctx); ending != "" {
			return ending, nil
		}
		if ending, err := r.readFor(tick, buf); ending != "" || err != nil {
			return ending, err
		}
		if err := r.file.flush(); err != nil {
			return "", err
		}
	}
}

func (r *recorder) ended(ctx context.Context) Ending {
	switch {
	case ctx.Err() != nil:
		return Interrupted
	case r.full(), r.options.Duration > 0 && time.Since(r.began) >= r.options.Duration:
		return LimitReached
	case r.tap.Deleted():
		return LabDeleted
	}
	return ""
}

func (r *recorder) full() bool {
	return r.options.Packets > 0 && r.file.packets >= uint64(r.options.Packets)
}

// readFor captures for a duration, or until the limit of packets.
func (r *recorder) readFor(long time.Duration, buf []byte) (Ending, error) {
	if left := r.options.Duration - time.Since(r.began); r.options.Duration > 0 {
		long = max(0, min(long, left))
	}
	until := time.Now().Add(long)
	if err := r.tap.SetReadDeadline(until); err != nil {
		return "", err
	}
	for !r.full() && time.Now().Before(until) {
		p, err := r.tap.Read(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return "", nil
		case errors.Is(err, packet.ErrLinkDown):
			return LinkDown, nil
		case err != nil:
			return "", err
		}
		if err := r.file.write(p); err != nil {
			return "", err
		}
	}
	return "", nil
}
