// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"context"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/packet"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Kernel is what this package needs of a machine's kernel.
type Kernel interface {
	diagnose.Kernel
	NeighbourTables
	// Observe returns what the machine holds of the lab.
	Observe(ctx context.Context, id state.Identity, want state.State) (state.Observation, error)
	// RememberNeighbours records the neighbour entries of network namespaces; forget deletes those that were
	// added since.
	RememberNeighbours(namespaces []string) (forget func() error, err error)
}

// Machine is this machine.
type Machine struct {
	Kernel Kernel
	// Dial opens an ICMP socket in a network namespace.
	Dial probe.Dialer
	// Listen opens a packet socket in a network namespace.
	Listen func(namespace string, o packet.Options) (capture.Tap, error)
	// Progress receives the current step; it may be nil. Calls do not overlap.
	Progress func(step string)
}

func (m *Machine) progress(step string) {
	if m.Progress != nil {
		m.Progress(step)
	}
}

// Once runs a probe of a lab until there is a verdict.
func (m *Machine) Once(ctx context.Context, lab *lab.Lab, p lab.Probe) probe.Result {
	return probe.Once(ctx, m.Dial, Spec(lab, p), probe.Saturated(NeighbourTableFull(m.Kernel)))
}

// Diagnose finds the cause of a verdict. Without a verdict the cause is ProbeError.
func (m *Machine) Diagnose(ctx context.Context, lab *lab.Lab, p lab.Probe, result probe.Result, seen converge.Outcome) diagnose.Cause {
	walk, err := m.walk(ctx, lab, p, result, seen)
	if err != nil {
		return diagnose.Cause{Reason: v1alpha1.ReasonProbeError, Message: err.Error()}
	}
	return walk.Cause
}

// A measurement of losses sends this many requests, in a second.
const (
	measuredRequests = 20
	measureInterval  = time.Second / measuredRequests
)

// question maps a probe to package diagnose. If some packets are lost, it measures how many.
func (m *Machine) question(ctx context.Context, lab *lab.Lab, p lab.Probe, result probe.Result, seen converge.Outcome) diagnose.Question {
	q := Question(lab, p, result, seen.Left, NeighbourTableFull(m.Kernel))
	q.Measure = func() (lost, sent int) {
		return probe.Measure(ctx, m.Dial, Spec(lab, p), measuredRequests, measureInterval)
	}
	return q
}

// walk follows the packets of a probe.
func (m *Machine) walk(ctx context.Context, lab *lab.Lab, p lab.Probe, result probe.Result, seen converge.Outcome) (diagnose.Walk, error) {
	walk, err := diagnose.Explain(ctx, m.Kernel, seen.Observation, m.question(ctx, lab, p, result, seen))
	if result.Verdict == probe.Unknown {
		walk.Cause = diagnose.Cause{Reason: v1alpha1.ReasonProbeError, Node: p.From, Message: result.Err}
	}
	return walk, err
}
