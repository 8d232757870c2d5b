// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"context"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Kernel is what this package needs of a machine.
type Kernel interface {
	diagnose.Kernel
	// Observe returns what the machine holds of the lab.
	Observe(ctx context.Context, id state.Identity, want state.State) (state.Observation, error)
	// NeighbourUse is how full the machine's neighbour table of family 4 or 6 is.
	NeighbourUse(family int) (used, limit int, err error)
	// RememberNeighbours notes what neighbours network namespaces have; forget deletes those
	// that came since.
	RememberNeighbours(namespaces []string) (forget func() error, err error)
}

// Machine is this machine, with everything a question needs.
type Machine struct {
	Kernel Kernel
	// Dial opens an ICMP socket in a network namespace.
	Dial probe.Dialer
	// Listen opens a packet socket in a network namespace, for an interface or, if that is empty,
	// for all of them.
	Listen func(namespace, link string) (capture.Tap, error)
	// Progress is told what is being waited for; nil for silence. Calls do not overlap.
	Progress func(step string)
}

func (m *Machine) progress(step string) {
	if m.Progress != nil {
		m.Progress(step)
	}
}

// Once asks a lab's probe until there is a verdict.
func (m *Machine) Once(ctx context.Context, lab *lab.Lab, p lab.Probe) probe.Result {
	return probe.Once(ctx, m.Dial, question(lab, p), probe.Saturated(m.saturated))
}

// Diagnose names the cause of a verdict. Where nothing could be asked, nothing is known.
func (m *Machine) Diagnose(ctx context.Context, lab *lab.Lab, p lab.Probe, result probe.Result, seen state.Observation) diagnose.Cause {
	walk, err := m.walk(ctx, lab, p, result, seen)
	if err != nil {
		return diagnose.Cause{Reason: v1alpha1.ReasonProbeError, Message: err.Error()}
	}
	return walk.Cause
}

// walk follows the packets of a probe.
func (m *Machine) walk(ctx context.Context, lab *lab.Lab, p lab.Probe, result probe.Result, seen state.Observation) (diagnose.Walk, error) {
	walk, err := diagnose.Explain(ctx, m.Kernel, seen, diagnose.Question{
		From:      lab.Identity.NetworkNamespace(p.From),
		To:        p.To,
		SizeBytes: p.SizeBytes,
		Expect:    p.Expect,
		Lab:       lab,
		Replied:   result.Outcome == probe.Reply,
		NoRoom:    m.saturated(probe.FamilyOf(p.To)),
	})
	if result.Verdict == probe.Unknown {
		walk.Cause = diagnose.Cause{Reason: v1alpha1.ReasonProbeError, Node: p.From, Message: result.Err}
	}
	return walk, err
}

// question puts a lab's probe into the words of package probe.
func question(lab *lab.Lab, p lab.Probe) probe.Spec {
	q := probe.Spec{
		Name: p.Name, From: lab.Identity.NetworkNamespace(p.From), To: p.To,
		Period: p.Period, Timeout: p.Timeout, FailureThreshold: p.FailureThreshold, SizeBytes: p.SizeBytes,
	}
	if p.Expect == v1alpha1.ExpectUnreachable {
		q.Expect = probe.Unreachable
	}
	return q
}

// saturated reports whether the neighbour table of a family is full: then an error of the kernel, or
// silence, may mean just that.
func (m *Machine) saturated(family probe.Family) bool {
	full, _, err := m.neighbours(int(family))
	return err == nil && full
}

// neighbours says whether the table of a family is full, and how many more entries it takes.
func (m *Machine) neighbours(family int) (full bool, free int, err error) {
	used, limit, err := m.Kernel.NeighbourUse(family)
	return used*100 >= limit*95, max(0, limit-used), err
}
