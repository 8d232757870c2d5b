// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// trial is one lab with its faults.
type trial struct {
	*rand.Rand
	t      *testing.T
	ctx    context.Context
	m      *ask.Machine
	k      *kernel.Kernel
	seed   uint64
	id     state.Identity
	spec   *v1alpha1.NetLabSpec // as the lab is now
	lab    *lab.Lab             // spec, compiled
	probes []lab.Probe
	faults []fault
	lacks  statetest.Features
	// kind limits the faults to objects whose names contain it.
	kind string
	// targets: pings follow a node's address.
	targets bool
	// healthyWant is what the lab wanted before the last edit.
	healthyWant state.State
	result
}

// fault is one thing that is wrong.
type fault struct {
	kind string
	// what reproduces it: an edit of the spec, or commands.
	what string
	// nodes and objects are those at fault: a correct cause names one of each.
	nodes, objects []string
	// rows is how many rows the fault changes or takes along.
	rows int
	// own are the objects without those rows.
	own []string
	// undo are commands that remove a foreign object; empty for an edit of the spec and for drift.
	undo   string
	bySpec bool
	// undoAll is undo, also after it was used.
	undoAll string
	// anywhere: the lab has another shape, so that the cause may be elsewhere.
	anywhere bool
}

// follows adds the rows that an edit of the spec changes.
func (f *fault) follows(ops ...[]state.Op) {
	f.own = slices.Clone(f.objects)
	for _, list := range ops {
		f.rows = max(f.rows, len(list))
		f.objects = append(f.objects, tokens(list)...)
		for _, op := range list {
			for _, n := range op.Namespaces() {
				f.nodes = append(f.nodes, state.NodeOf(n))
			}
		}
	}
	slices.Sort(f.nodes)
	slices.Sort(f.objects)
	f.nodes, f.objects = slices.Compact(f.nodes), slices.Compact(f.objects)
}

func newTrial(t *testing.T, m *ask.Machine, seed uint64) *trial {
	name := fmt.Sprintf("f%d", seed)
	return &trial{
		Rand: rand.New(rand.NewPCG(seed, 21)), t: t, ctx: t.Context(), m: m, k: m.Kernel.(*kernel.Kernel), seed: seed,
		id:     state.Identity{Namespace: "default", Name: name, Owner: state.LocalOwner("default", name)},
		result: result{seed: seed},
	}
}

func (x *trial) chance(percent int) bool { return x.IntN(100) < percent }

func pick[T any](x *trial, from []T) T { return from[x.IntN(len(from))] }

// run breaks the lab and follows the fixes of the pings that fail.
func (x *trial) run() result {
	defer x.remove()
	x.spec = x.healthySpec()
	if !x.build(x.spec) || !x.choosePairs() || !x.breakIt() {
		x.skipped++
		return x.result
	}
	failing := x.judgeAll()
	if len(failing) == 0 {
		return x.result
	}
	x.broken++
	broken := x.spec
	for _, p := range failing[:min(len(failing), 2)] {
		x.follow(p, x.byHand)
	}
	if bySpec := x.specFaults(); bySpec == len(x.faults) {
		x.remove()
		if x.build(broken) {
			for _, p := range failing[:min(len(failing), 2)] {
				x.follow(p, x.inSpec)
			}
		}
	}
	return x.result
}

// restart forgets what was done by hand, after commands of which some succeeded. It is never true.
func (x *trial) restart() bool {
	x.remove()
	x.faults = slices.DeleteFunc(x.faults, func(f fault) bool { return !f.bySpec })
	x.build(x.spec)
	return false
}

func (x *trial) specFaults() (n int) {
	for _, f := range x.faults {
		if f.bySpec {
			n++
		}
	}
	return n
}

// build makes the machine hold a spec. A lab that cannot be built is no trial.
func (x *trial) build(spec *v1alpha1.NetLabSpec) bool {
	compiled, err := lab.Compile(x.id, spec, lab.Options{Symlinks: true, HasNetem: x.k.HasNetem})
	if err != nil {
		return false
	}
	out, err := converge.Converge(x.ctx, x.k, x.id, compiled.Want)
	if err != nil || !out.Realized() {
		x.unrealized = append(x.unrealized, fmt.Sprintf("%v %v", err, out.Left))
		return false
	}
	x.spec, x.lab = spec, compiled
	for range 300 {
		if len(out.Settling) == 0 {
			return true
		}
		time.Sleep(100 * time.Millisecond)
		out, _ = converge.Plan(x.ctx, x.k, x.id, compiled.Want)
	}
	return true
}

func (x *trial) remove() {
	for _, f := range x.faults {
		if f.kind == "lo has another alias" { // else the namespace is not the lab's
			_, _ = x.shell(f.undoAll)
		}
	}
	if _, err := converge.Remove(context.WithoutCancel(x.ctx), x.k, x.id); err != nil {
		x.t.Errorf("%s: %v", x.id, err)
	}
}

// pairs is the number of pings per trial.
const pairs = 8

// choosePairs chooses pings that are answered in the healthy lab.
func (x *trial) choosePairs() bool {
	possible := labtest.Reachability(x.spec, x.lab.Want)
	x.Shuffle(len(possible), func(i, j int) { possible[i], possible[j] = possible[j], possible[i] })
	for _, p := range possible {
		if p.Expect != labtest.Yes || len(x.probes) == pairs {
			continue
		}
		q := lab.Probe{Name: p.From + "-" + p.To, Family: v1alpha1.IPv4, From: p.From, Target: p.To, To: p.Target, Timeout: 250 * time.Millisecond, FailureThreshold: 2, Period: time.Second}
		if p.Target.Is6() {
			q.Family = v1alpha1.IPv6
		}
		if x.chance(15) {
			q.SizeBytes = 1200
		}
		if x.answered(q) {
			x.probes = append(x.probes, q)
		}
	}
	return len(x.probes) > 0
}

// answered pings, with patience: the machine may be busy. Each time it starts without neighbour entries.
func (x *trial) answered(p lab.Probe) bool {
	for range 2 {
		if x.ping(p) {
			return true
		}
	}
	return false
}

func (x *trial) ping(p lab.Probe) bool {
	forget, err := x.k.RememberNeighbours(slices.DeleteFunc(x.namespaces(), missingNamespace))
	if err != nil {
		x.t.Errorf("%s: %v", x.id, err)
		return false
	}
	defer func() { _ = forget() }()
	return x.m.Once(x.ctx, x.lab, p).Verdict == probe.Pass
}

// missingNamespace reports whether a fault has removed a network namespace.
func missingNamespace(name string) bool {
	_, err := os.Stat(state.NamespaceDir + "/" + name)
	return err != nil
}

func (x *trial) namespaces() []string {
	var names []string
	for _, node := range x.lab.Nodes {
		names = append(names, x.id.NetworkNamespace(node))
	}
	return names
}

func (x *trial) breakIt() bool {
	for range 1 + x.IntN(3) {
		if f, ok := x.addFault(); ok {
			x.faults = append(x.faults, f)
		}
	}
	return len(x.faults) > 0
}

// addFault adds one fault, of the spec as long as nothing was done by hand.
func (x *trial) addFault() (fault, bool) {
	for range 30 {
		var f fault
		var ok bool
		switch kind := x.IntN(100); {
		case x.kind != "":
			f, ok = x.foreignFault()
		case kind < 45:
			if x.specFaults() < len(x.faults) {
				continue
			}
			f, ok = x.specFault()
		case kind < 65:
			f, ok = x.rowFault()
		default:
			f, ok = x.foreignFault()
		}
		if ok && !f.bySpec {
			f.follows(x.plan())
		}
		if ok {
			return f, true
		}
	}
	return fault{}, false
}

// plan is what a change by hand takes along.
func (x *trial) plan() []state.Op {
	seen, err := converge.Plan(x.ctx, x.k, x.id, x.lab.Want)
	if err != nil {
		return nil
	}
	return seen.Left
}

// judgeAll pings all pairs and returns the failing ones. One that is answered must not be blamed.
func (x *trial) judgeAll() (failing []lab.Probe) {
	for _, p := range x.probes {
		if !x.answered(p) {
			failing = append(failing, p)
			continue
		}
		x.healthy++
		cause := x.diagnose(p)
		switch {
		case cause.Reason == v1alpha1.ReasonNoReply:
		case x.names(cause): // a fault of the lab, which this ping gets around
			x.around++
		case x.answered(p):
			x.blame(p, cause)
		}
	}
	return failing
}

// diagnose is the cause of a ping without a reply.
func (x *trial) diagnose(p lab.Probe) diagnose.Cause {
	seen, err := converge.Plan(x.ctx, x.k, x.id, x.lab.Want)
	if err != nil {
		return diagnose.Cause{Reason: v1alpha1.ReasonProbeError, Message: err.Error()}
	}
	if len(seen.Conflicts) > 0 { // no probes run then, and the status says so
		return diagnose.Cause{Reason: v1alpha1.ReasonConflict, Message: seen.Conflicts[0].String(), Fix: "check what is there, remove it, or rename the lab"}
	}
	return x.m.Diagnose(x.ctx, x.lab, p, probe.Result{Verdict: probe.Fail}, seen)
}

// walk is the path of a ping without a reply.
func (x *trial) walk(p lab.Probe) string {
	seen, err := converge.Plan(x.ctx, x.k, x.id, x.lab.Want)
	if err != nil {
		return err.Error()
	}
	full := ask.NeighbourTableFull(x.k)
	walk, _ := diagnose.Explain(x.ctx, x.k, seen.Observation, ask.Question(x.lab, p, probe.Result{Verdict: probe.Fail}, seen.Left, full))
	return walk.String()
}

// shell runs commands. In a terminal the last of several commands counts.
func (x *trial) shell(script string) (string, error) {
	out, err := exec.CommandContext(x.ctx, "sh", "-c", script).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (x *trial) yaml() string {
	text, _ := yaml.Marshal(x.spec)
	return string(text)
}
