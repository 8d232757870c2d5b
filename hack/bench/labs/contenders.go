// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/kernel/floor"
	"github.com/netlab-dev/netlab/controllers/state"
)

// contender brings labs up and down its own way. A step it does not have is nil.
type contender struct {
	build, compare, edit, repair, tearDown func() error
	// prepare performs operations between the steps, which are not timed;
	// nil leaves them to a floor.
	prepare func([]state.Op) error
	// rest does what has to be done after a step and is not timed.
	rest func() error
	// others is the CPU time of processes that it keeps running.
	others func() time.Duration
	// watch waits for changes for a while and returns the memory that takes.
	watch func() (int64, error)
	// storm repairs under a storm of events, and gives what is timed to its argument; nil for most.
	storm func(timed func(func() error) error) error
	// finish ends what it keeps running.
	finish func() error
}

// agentContender is in a program of its own (build tag agent), so that the client of the API adds nothing to the memory
// of the others.
const agentContender = "agent"

// contenders are created for each process, in the order of the table's lines.
var contenders = []struct {
	name string
	make func(context.Context, *bench, *result) (contender, error)
}{
	{"bare floor", bareFloor},
	{"one queue", oneQueue},
	{"same writes", sameWrites},
	{"apply", applyOnly},
	{"NetLab", wholePath},
	{"ip", oneByOne},
	{"ip -batch", batched},
	{"Mininet", mininet},
}

func bareFloor(_ context.Context, b *bench, _ *result) (contender, error) {
	return onFloor(b, floor.Options{Bare: true, AnyQueues: true})
}

func oneQueue(_ context.Context, b *bench, _ *result) (contender, error) {
	return onFloor(b, floor.Options{Bare: true})
}

func sameWrites(_ context.Context, b *bench, _ *result) (contender, error) {
	return onFloor(b, floor.Options{})
}

func onFloor(b *bench, o floor.Options) (contender, error) {
	// Its preparations are the same for all of them.
	_, err := kernel.New(kernel.Options{Symlinks: true})
	apply := func(ops []state.Op) func() error {
		return func() error { return floor.Apply(ops, o) }
	}
	return contender{build: apply(b.build()), edit: apply(b.change()), repair: apply(b.repair()), tearDown: apply(b.tearDown())}, err
}

func applyOnly(ctx context.Context, b *bench, _ *result) (contender, error) {
	k, err := kernel.New(kernel.Options{Symlinks: true})
	apply := func(ops []state.Op) func() error {
		return func() error {
			_, err := k.Apply(ctx, ops)
			return err
		}
	}
	return contender{build: apply(b.build()), edit: apply(b.change()), repair: apply(b.repair()), tearDown: apply(b.tearDown())}, err
}

// wholePath is what an agent does with a lab that came, changed, or is looked after.
func wholePath(ctx context.Context, b *bench, r *result) (contender, error) {
	under, err := kernel.New(kernel.Options{Symlinks: true})
	k := &clocked{Kernel: under}
	eachLab := func(do func(state.Identity) error) func() error {
		return func() error {
			for _, lab := range b.labs {
				if err := do(lab); err != nil {
					return err
				}
			}
			return nil
		}
	}
	realize := func(spec *v1alpha1.NetLabSpec) func() error {
		return eachLab(func(lab state.Identity) error {
			want, err := compile(lab, spec)
			if err != nil {
				return err
			}
			out, err := converge.Converge(ctx, k, lab, want)
			if err == nil && !out.Realized() {
				err = fmt.Errorf("%d operations are left, %d conflicts", len(out.Left), len(out.Conflicts))
			}
			return err
		})
	}
	remove := eachLab(func(lab state.Identity) error {
		_, err := converge.Remove(ctx, k, lab)
		return err
	})
	build := func() error {
		err := realize(b.spec)()
		r.Observing, r.Applying = k.observing, k.applying
		return err
	}
	watch := func() (int64, error) { return watching(ctx, under, b) }
	start := time.Now()
	planErr := eachLab(func(lab state.Identity) error {
		want, err := compile(lab, b.spec)
		state.Diff(state.State{}, want)
		return err
	})()
	r.CompileAndDiff = time.Since(start)
	return contender{build: build, compare: realize(b.spec), edit: realize(b.edited), repair: realize(b.spec), tearDown: remove, watch: watch}, errors.Join(err, planErr)
}

// clocked is a kernel that says what it took.
type clocked struct {
	*kernel.Kernel
	observing, applying time.Duration
}

func (c *clocked) Observe(ctx context.Context, id state.Identity, want state.State) (state.Observation, error) {
	start := time.Now()
	defer func() { c.observing += time.Since(start) }()
	return c.Kernel.Observe(ctx, id, want)
}

func (c *clocked) ObserveIn(ctx context.Context, id state.Identity, want state.State, last state.Observation, namespaces []string) (state.Observation, []string, error) {
	start := time.Now()
	defer func() { c.observing += time.Since(start) }()
	return c.Kernel.ObserveIn(ctx, id, want, last, namespaces)
}

func (c *clocked) Edit(ctx context.Context, ops []state.Op, stale map[int][]state.Neighbour) (int, error) {
	start := time.Now()
	defer func() { c.applying += time.Since(start) }()
	return c.Kernel.Edit(ctx, ops, stale)
}

// watchTime is how long memory is left alone before it is looked at.
const watchTime = time.Second

// watching is an agent's rest: it follows every namespace, and nothing happens.
func watching(ctx context.Context, k *kernel.Kernel, b *bench) (memory int64, err error) {
	ctx, stop := context.WithCancel(ctx)
	events, err := k.Watch(ctx)
	if err != nil {
		stop()
		return 0, err
	}
	defer func() {
		stop()
		for range events { // until nothing of the watch is left
		}
	}()
	for _, p := range b.parts {
		for name := range p.want {
			if err := k.Follow(name); err != nil {
				return 0, err
			}
		}
	}
	select {
	case <-ctx.Done():
	case <-time.After(watchTime):
	}
	return resident()
}

// measure runs one contender through all phases.
func measure(ctx context.Context, name string, b *bench) (*result, error) {
	r := &result{Phases: map[string]cost{}, Namespaces: b.namespaces(), Labs: len(b.labs)}
	c, err := newContender(ctx, name, b, r)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	if err := floor.Drain(); err != nil {
		return nil, err
	}
	if c.prepare == nil {
		c.prepare = func(ops []state.Op) error { return floor.Apply(ops, floor.Options{}) }
	}
	r.others = c.others
	before := kernelMemory()
	err = r.timed(phaseBuild, c.build)
	r.Kernel = (kernelMemory() - before) / int64(r.Namespaces)
	if err == nil && c.rest != nil {
		err = c.rest()
	}
	for _, step := range []struct {
		phase string
		do    func() error
		then  []state.Op
	}{
		{phaseCompare, c.compare, nil},
		{phaseEdit, c.edit, b.spoil()},
		{phaseRepair, c.repair, nil},
	} {
		if err == nil && step.do != nil {
			err = r.timed(step.phase, step.do)
			if step.phase == phaseCompare && err == nil && c.watch != nil {
				r.Watching, err = c.watch()
			}
			if err == nil && c.rest != nil {
				err = c.rest()
			}
			if err == nil && len(step.then) > 0 {
				err = c.prepare(step.then)
			}
		}
	}
	if err == nil && c.storm != nil {
		err = c.storm(func(do func() error) error { return r.timed(phaseStorm, do) })
	}
	if err == nil {
		err = r.timed(phaseTearDown, func() error { return errors.Join(c.tearDown(), floor.Drain()) })
	}
	if c.finish != nil {
		err = errors.Join(err, c.finish())
	}
	r.Peak = peak()
	return r, err
}

func newContender(ctx context.Context, name string, b *bench, r *result) (contender, error) {
	for _, c := range contenders {
		if c.name == name {
			return c.make(ctx, b, r)
		}
	}
	return contender{}, fmt.Errorf("%q is no contender", name)
}
