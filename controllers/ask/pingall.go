// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// PingAllOptions limit a PingAll.
type PingAllOptions struct {
	// Timeout is how long a wave waits for replies, and before that for free entries if the machine's neighbour
	// table is full; 0 means a second.
	Timeout time.Duration
	// Diagnoses is the maximum number of pairs without a reply to diagnose.
	Diagnoses int
}

// PingAll is the reachability of all pairs of nodes.
type PingAll struct {
	// Nodes are those of the lab, in the order of its spec.
	Nodes []string `json:"nodes"`
	// Pairs are all ordered pairs of different nodes with a common family, one per family: IPv4 first, then by
	// sender, then by target.
	Pairs []Pair `json:"pairs"`
	// Reachable, Unreachable and Unknown count the pairs.
	Reachable   int `json:"reachable"`
	Unreachable int `json:"unreachable"`
	Unknown     int `json:"unknown"`
	// Waves is the number of waves.
	Waves int `json:"waves"`
}

// Pair is one ping of a PingAll.
type Pair struct {
	Path
	Family  v1alpha1.Family `json:"family"`
	Address string          `json:"address"`
	Result  PairResult      `json:"result"`
	// RTTMicroseconds is the round-trip time of the reply.
	RTTMicroseconds int64 `json:"rttMicroseconds,omitempty"`
	// Error tells why there is no reply, as seen by the sender.
	Error string `json:"error,omitempty"`
	// Cause is the diagnosed cause, if the pair was diagnosed.
	Cause diagnose.Cause `json:"cause,omitzero"`
}

// PairResult is whether a node replies to another.
type PairResult string

// Results of a pair.
const (
	Reachable   PairResult = "Reachable"
	Unreachable PairResult = "Unreachable"
	// Unknown: no request was possible.
	Unknown PairResult = "Unknown"
)

// PingAll pings every node from every other one, once. The error is the context's, or that the lab could not
// be observed.
func (l *Lab) PingAll(ctx context.Context, o PingAllOptions) (*PingAll, error) {
	timeout := cmp.Or(o.Timeout, time.Second)
	probes := l.pairs(timeout)
	all := &PingAll{Nodes: l.Nodes, Pairs: make([]Pair, 0, len(probes))}
	costs, outcomes := newCosts(l.Lab), make([]probe.Outcome, 0, len(probes))
	for len(probes) > 0 {
		l.machine.progress(fmt.Sprintf("pinged %d of %d pairs", len(all.Pairs), len(all.Pairs)+len(probes)))
		budget, refusal := l.machine.room(ctx, probes[0].Family, timeout)
		if refusal != "" {
			timeout = 0 // wait once, not for every wave
		}
		wave := costs.wave(probes, budget)
		probes = probes[len(wave):]
		results, err := l.askWave(ctx, wave, refusal)
		if err != nil {
			return nil, err
		}
		all.add(wave, results)
		for _, result := range results {
			outcomes = append(outcomes, result.Outcome)
		}
	}
	return all, l.diagnosePairs(ctx, all, outcomes, o.Diagnoses)
}

// pairs are the probes, family by family, because each family has its own neighbour table.
func (l *Lab) pairs(timeout time.Duration) []lab.Probe {
	var probes []lab.Probe
	for _, family := range []v1alpha1.Family{v1alpha1.IPv4, v1alpha1.IPv6} {
		for _, from := range l.Nodes {
			if !slices.ContainsFunc(l.Addresses[from], in(family)) {
				continue
			}
			for _, to := range l.Nodes {
				if p, ok := l.pair(from, to, family); ok {
					p.Timeout = timeout
					probes = append(probes, p)
				}
			}
		}
	}
	return probes
}

func (l *Lab) pair(from, to string, family v1alpha1.Family) (p lab.Probe, ok bool) {
	address, ok := l.target(from, to, family)
	return lab.Probe{
		Name: from + " to " + to, Family: family, From: from, Target: to, To: address,
		Expect: v1alpha1.ExpectReachable, FailureThreshold: 1,
	}, ok && from != to
}

// target is the address to ping: the first of the node that the sender does not have as well, if there is one.
func (l *Lab) target(from, to string, family v1alpha1.Family) (first netip.Addr, ok bool) {
	for _, a := range l.Addresses[to] {
		if !in(family)(a) {
			continue
		}
		if !slices.Contains(l.Addresses[from], a) {
			return a, true
		}
		if !ok {
			first, ok = a, true
		}
	}
	return first, ok
}

func in(family v1alpha1.Family) func(netip.Addr) bool {
	return func(a netip.Addr) bool { return a.Is4() == (family == v1alpha1.IPv4) }
}

// roomInterval is the time between two readings of a full table.
const roomInterval = 50 * time.Millisecond

// room waits for a wave's budget. A full table is shared with others on the machine: their entries disappear
// with their namespaces, or when the kernel has not used them for a while.
func (m *Machine) room(ctx context.Context, family v1alpha1.Family, timeout time.Duration) (entries int, refusal string) {
	for end := time.Now().Add(timeout); ; {
		entries, refusal = m.budget(family)
		if refusal == "" || ctx.Err() != nil || !time.Now().Before(end) {
			return entries, refusal
		}
		m.progress(refusal)
		select {
		case <-ctx.Done():
		case <-time.After(roomInterval):
		}
	}
}

// budget is how many neighbour entries a wave may cause, or why it may cause none. If the table's limit is
// unknown, the default is assumed.
func (m *Machine) budget(family v1alpha1.Family) (entries int, refusal string) {
	const usually = 1024
	version := 4
	if family == v1alpha1.IPv6 {
		version = 6
	}
	used, limit, err := m.Kernel.NeighbourUse(version)
	free := max(0, limit-used)
	switch {
	case err != nil:
		return usually / 4, ""
	case isFull(used, limit):
		return 0, fmt.Sprintf("the machine's %s neighbour table is full: %d entries free", family, free)
	}
	return free / 4, ""
}

// askWave pings all pairs of a wave at the same time and deletes the neighbour entries that this caused.
func (l *Lab) askWave(ctx context.Context, wave []lab.Probe, refusal string) ([]probe.Result, error) {
	results := make([]probe.Result, len(wave))
	if refusal != "" {
		for i := range results {
			results[i].Err = refusal
		}
		return results, nil
	}
	forget, err := l.machine.Kernel.RememberNeighbours(l.namespaces())
	if err != nil {
		return nil, err
	}
	var asking sync.WaitGroup
	for i, p := range wave {
		asking.Go(func() { results[i] = l.machine.Once(ctx, l.Lab, p) })
	}
	asking.Wait()
	return results, cmp.Or(ctx.Err(), forget())
}

func (l *Lab) namespaces() []string {
	names := make([]string, len(l.Nodes))
	for i, node := range l.Nodes {
		names[i] = l.id.NetworkNamespace(node)
	}
	return names
}

func (a *PingAll) add(wave []lab.Probe, results []probe.Result) {
	a.Waves++
	for i, p := range wave {
		pair := Pair{
			Path: Path{From: p.From, To: p.Target}, Family: p.Family, Address: p.To.String(),
			RTTMicroseconds: results[i].RTT.Microseconds(), Error: results[i].Err,
		}
		switch results[i].Verdict {
		case probe.Pass:
			pair.Result = Reachable
			a.Reachable++
		case probe.Fail:
			pair.Result = Unreachable
			a.Unreachable++
		default:
			pair.Result = Unknown
			a.Unknown++
		}
		a.Pairs = append(a.Pairs, pair)
	}
}

// diagnosePairs finds the cause for the first pairs without a reply. If no request was possible at all, the
// lab may not exist.
func (l *Lab) diagnosePairs(ctx context.Context, all *PingAll, outcomes []probe.Outcome, most int) error {
	noneAsked := all.Unknown > 0 && all.Unknown == len(all.Pairs)
	if !noneAsked && (all.Unreachable == 0 || most == 0) {
		return nil
	}
	seen, err := l.observe(ctx)
	if err != nil {
		return err
	}
	for i := range all.Pairs {
		pair := &all.Pairs[i]
		if pair.Result != Unreachable {
			continue
		}
		if most--; most < 0 {
			break
		}
		p, _ := l.pair(pair.From, pair.To, pair.Family)
		pair.Cause = l.machine.Diagnose(ctx, l.Lab, p, probe.Result{Verdict: probe.Fail, Outcome: outcomes[i]}, seen)
	}
	return ctx.Err()
}
