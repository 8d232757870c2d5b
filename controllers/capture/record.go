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

// Options say when a capture ends by itself. With the zero Options it does when what it listens
// to is gone.
type Options struct {
	// Packets is how many to capture; 0 is no limit.
	Packets int
	// Duration is how long to capture; 0 is no limit.
	Duration time.Duration
}

// Ending says why a capture ended.
type Ending string

// The endings.
const (
	// Interrupted: the context was done.
	Interrupted Ending = "Interrupted"
	// LimitReached: there were as many packets, or it took as long, as the options say.
	LimitReached Ending = "LimitReached"
	// LinkDown: the interface was set down or deleted.
	LinkDown Ending = "LinkDown"
	// LabDeleted: the network namespace is nobody's any more.
	LabDeleted Ending = "LabDeleted"
)

// Summary is what became of a capture.
type Summary struct {
	// Packets were written.
	Packets uint64 `json:"packets"`
	// Dropped packets passed, but were not read in time.
	Dropped uint64 `json:"dropped"`
	Ending  Ending `json:"ending"`
}

// Tap is a packet socket.
type Tap interface {
	// Interfaces are those it listens to; listening to all, more may come.
	Interfaces() []packet.Interface
	// Interface is the one with that index.
	Interface(index int) (packet.Interface, error)
	// Read waits for a packet until the deadline (os.ErrDeadlineExceeded).
	Read(buf []byte) (packet.Packet, error)
	SetReadDeadline(t time.Time) error
	// Dropped is how many packets were lost since it was last asked.
	Dropped() (uint64, error)
	// Deleted reports whether the namespace lives only because of this socket.
	Deleted() bool
	Close() error
}

// tick is how often what was captured becomes visible, and how soon an end is noticed. It is
// well below the two seconds for which a deleted lab waits for its namespaces to end.
const tick = 250 * time.Millisecond

// Record captures until something ends it, and closes the tap. Whatever the error, what was
// written until then is complete; one of writing is the only one after which it is not.
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

// readFor captures for that long, or until there are packets enough.
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
