// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/status"
)

// Probe is a probe in one family, with its result.
type Probe struct {
	Name   string          `json:"name"`
	Family v1alpha1.Family `json:"family"`
	From   string          `json:"from"`
	// To is the node that has the address, if one has.
	To      string               `json:"to,omitempty"`
	Address string               `json:"address"`
	Expect  v1alpha1.Expectation `json:"expect"`
	// Verdict is Pass, Fail or Unknown.
	Verdict string `json:"verdict"`
	// RTTMicroseconds is the round-trip time of the reply, 0 without one.
	RTTMicroseconds int64 `json:"rttMicroseconds,omitempty"`
	// Reason is the diagnosed cause of a verdict other than Pass, a reason of the Reachable condition.
	Reason string `json:"reason,omitempty"`
	// Message explains the cause.
	Message string `json:"message,omitempty"`
	// Fix says how to remove the cause.
	Fix string `json:"fix,omitempty"`
	// Walk is the way of the packets if the verdict is Fail.
	Walk diagnose.Walk `json:"-"`
}

// Passed reports whether the outcome is the expected one.
func (p Probe) Passed() bool { return p.Verdict == probe.Pass.String() }

// ask runs all probes of a lab until each has a verdict. It returns them for the caller and for
// package status.
func (m *Machine) ask(ctx context.Context, lab *lab.Lab, seen converge.Outcome) ([]Probe, []status.ProbeResult) {
	answers, results := make([]Probe, len(lab.Probes)), make([]status.ProbeResult, len(lab.Probes))
	limit := make(chan struct{}, m.wave())
	answered := m.counter(len(lab.Probes))
	var running sync.WaitGroup
	for i, p := range lab.Probes {
		running.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			answers[i], results[i] = m.askOne(ctx, lab, p, seen)
			answered()
		})
	}
	running.Wait()
	return answers, results
}

// counter returns a function that reports progress: it is called once per result.
func (m *Machine) counter(of int) (answered func()) {
	var mu sync.Mutex
	done := 0
	m.options.Progress(fmt.Sprintf("waiting for probes: 0 of %d answered", of))
	return func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		m.options.Progress(fmt.Sprintf("waiting for probes: %d of %d answered", done, of))
	}
}

func (m *Machine) askOne(ctx context.Context, lab *lab.Lab, p lab.Probe, seen converge.Outcome) (Probe, status.ProbeResult) {
	result := m.asked.Once(ctx, lab, p)
	diagnosed, walk := m.asked.Diagnosed(ctx, lab, p, result, seen)
	found := diagnosed.Finding()
	return Probe{
		Name: p.Name, Family: p.Family, From: p.From, To: p.Target, Address: p.To.String(), Expect: p.Expect,
		Verdict:         result.Verdict.String(),
		RTTMicroseconds: result.RTT.Microseconds(),
		Reason:          found.Reason, Message: found.Message, Fix: diagnosed.Fix, Walk: walk,
	}, diagnosed
}

// wave is the number of probes that run at the same time: each may need a neighbour entry on every hop,
// and all namespaces of the machine share the table.
func (m *Machine) wave() int {
	const atLeast, atMost = 4, 64
	free := atMost * 4
	for _, family := range []int{4, 6} {
		if used, limit, err := m.kernel.NeighbourUse(family); err == nil {
			free = min(free, limit-used)
		}
	}
	return max(free/4, atLeast)
}

// RTT is the round-trip time of the reply.
func (p Probe) RTT() time.Duration { return time.Duration(p.RTTMicroseconds) * time.Microsecond }
