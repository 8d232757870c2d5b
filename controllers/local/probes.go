// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/topology"
)

// Probe is a question of a lab in one family, with its answer.
type Probe struct {
	Name   string          `json:"name"`
	Family v1alpha1.Family `json:"family"`
	From   string          `json:"from"`
	// To is the node that is asked, if the address is one of a node.
	To      string               `json:"to,omitempty"`
	Address string               `json:"address"`
	Expect  v1alpha1.Expectation `json:"expect"`
	// Verdict is Pass, Fail or Unknown.
	Verdict string `json:"verdict"`
	// RTTMicroseconds is the round-trip time of the reply, 0 without one.
	RTTMicroseconds int64 `json:"rttMicroseconds,omitempty"`
	// Reason is the diagnosed cause of a verdict other than Pass, a reason of the Reachable condition.
	Reason string `json:"reason,omitempty"`
	// Message names the cause for people.
	Message string `json:"message,omitempty"`
	// Cure says what to do.
	Cure string `json:"cure,omitempty"`
}

// Passed reports whether the outcome is the expected one.
func (p Probe) Passed() bool { return p.Verdict == probe.Pass.String() }

// ask asks all probes of a lab and waits for their verdicts.
func (m *Machine) ask(ctx context.Context, lab *topology.Lab, seen topology.Observation) []Probe {
	answers := make([]Probe, len(lab.Probes))
	limit := make(chan struct{}, m.wave())
	answered := m.counter(len(lab.Probes))
	var running sync.WaitGroup
	for i, p := range lab.Probes {
		running.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			answers[i] = m.askOne(ctx, lab, p, seen)
			answered()
		})
	}
	running.Wait()
	return answers
}

// counter returns a function that reports how many of the probes have been answered.
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

func (m *Machine) askOne(ctx context.Context, lab *topology.Lab, p topology.Probe, seen topology.Observation) Probe {
	result := probe.Once(ctx, m.dial, question(lab, p), probe.Saturated(m.saturated))
	answer := Probe{
		Name: p.Name, Family: p.Family, From: p.From, To: p.Target, Address: p.To.String(), Expect: p.Expect,
		Verdict:         result.Verdict.String(),
		RTTMicroseconds: result.RTT.Microseconds(),
	}
	if result.Verdict != probe.Pass {
		cause := m.diagnose(ctx, lab, p, result, seen)
		answer.Reason, answer.Message, answer.Cure = cause.Reason, cause.Message, cause.Cure
	}
	return answer
}

// diagnose names the cause of a verdict. Where nothing could be asked, nothing is known.
func (m *Machine) diagnose(ctx context.Context, lab *topology.Lab, p topology.Probe, result probe.Result, seen topology.Observation) diagnose.Cause {
	if result.Verdict == probe.Unknown {
		return diagnose.Cause{Reason: v1alpha1.ReasonProbeError, Message: result.Err}
	}
	walk, err := m.walk(ctx, lab, p, result, seen)
	if err != nil {
		return diagnose.Cause{Reason: v1alpha1.ReasonProbeError, Message: err.Error()}
	}
	return walk.Cause
}

// walk follows the packets of a probe.
func (m *Machine) walk(ctx context.Context, lab *topology.Lab, p topology.Probe, result probe.Result, seen topology.Observation) (diagnose.Walk, error) {
	return diagnose.Explain(ctx, m.kernel, seen, diagnose.Question{
		From:      lab.Identity.NetworkNamespace(p.From),
		To:        p.To,
		SizeBytes: p.SizeBytes,
		Expect:    p.Expect,
		Replied:   result.Outcome == probe.Reply,
	})
}

// question puts a lab's probe into the words of package probe.
func question(lab *topology.Lab, p topology.Probe) probe.Spec {
	q := probe.Spec{
		Name: p.Name, From: lab.Identity.NetworkNamespace(p.From), To: p.To,
		Period: p.Period, Timeout: p.Timeout, FailureThreshold: p.FailureThreshold, SizeBytes: p.SizeBytes,
	}
	if p.Expect == v1alpha1.ExpectUnreachable {
		q.Expect = probe.Unreachable
	}
	return q
}

// judgeReachable folds verdicts; the first failing probe names the reason, False beats Unknown.
func judgeReachable(probes []Probe) Condition {
	c := Condition{v1alpha1.ConditionReachable, metav1.ConditionTrue, v1alpha1.ReasonAllProbesPass, fmt.Sprintf("%d of %[1]d probes pass", len(probes))}
	if len(probes) == 0 {
		c.Reason, c.Message = v1alpha1.ReasonNoProbes, "the lab has no probes"
	}
	for _, p := range probes {
		status := metav1.ConditionFalse
		if p.Verdict == probe.Unknown.String() {
			status = metav1.ConditionUnknown
		}
		worse := c.Status == metav1.ConditionTrue || c.Status == metav1.ConditionUnknown && status == metav1.ConditionFalse
		if !p.Passed() && worse {
			c.Status, c.Reason, c.Message = status, p.Reason, fmt.Sprintf("%s (%s): %s", p.Name, p.Family, p.Message)
		}
	}
	return c
}

// wave is how many probes ask at the same time: each may need a neighbour entry on every hop,
// and the table is shared with everything else on the machine.
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

// saturated reports whether the IPv6 neighbour table is full.
func (m *Machine) saturated() bool {
	used, limit, err := m.kernel.NeighbourUse(6)
	return err == nil && used*100 >= limit*95
}

// RTT is the round-trip time of the reply.
func (p Probe) RTT() time.Duration { return time.Duration(p.RTTMicroseconds) * time.Microsecond }
