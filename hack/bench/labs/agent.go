// SPDX-License-Identifier: Apache-2.0

//go:build agent

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/agent"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/kernel/floor"
	"github.com/netlab-dev/netlab/controllers/state"
)

func init() {
	contenders = append(contenders, struct {
		name string
		make func(context.Context, *bench, *result) (contender, error)
	}{agentContender, agentLoop})
}

// loop is an agent whose requests come one after the other, without the pause that collects events.
type loop struct {
	ctx    context.Context
	b      *bench
	agent  *agent.Agent
	labs   map[types.NamespacedName]*v1alpha1.NetLab
	events chan string
	// touched are labs with events since their last request.
	touched map[types.NamespacedName]bool
}

// agentLoop is Reconcile of the agent, with the kernel's events.
func agentLoop(ctx context.Context, b *bench, _ *result) (contender, error) {
	k, err := kernel.New(kernel.Options{Symlinks: true})
	if err != nil {
		return contender{}, err
	}
	watch, err := k.Watch(ctx)
	if err != nil {
		return contender{}, err
	}
	l := &loop{ctx: ctx, b: b, labs: map[types.NamespacedName]*v1alpha1.NetLab{}, events: make(chan string), touched: map[types.NamespacedName]bool{}}
	go func() {
		for event := range watch {
			l.events <- event.Namespace
		}
	}()
	for _, lab := range b.labs {
		netlab := &v1alpha1.NetLab{Spec: withoutProbes(b.spec)}
		netlab.Namespace, netlab.Name, netlab.UID = lab.Namespace, lab.Name, types.UID(lab.Name)
		l.labs[client.ObjectKeyFromObject(netlab)] = netlab
	}
	l.agent = agent.New(cluster{labs: l.labs}, agent.Options{
		NodeName: nodeName, Symlinks: true, ComparePeriod: time.Hour, Machine: agent.Machine{Kernel: k, Follow: k.Follow},
	})
	return contender{
		build:    l.become(b.spec),
		compare:  l.become(b.spec),
		edit:     l.become(b.edited),
		repair:   l.reconcileTouched,
		tearDown: l.remove,
		prepare:  l.damage,
		rest:     l.rest,
		storm:    l.storm,
	}, nil
}

// become is an edit of each lab and its request.
func (l *loop) become(spec *v1alpha1.NetLabSpec) func() error {
	return func() error {
		for name, netlab := range l.labs {
			netlab.Spec = withoutProbes(spec)
			netlab.Generation++
			if err := l.reconcile(name); err != nil {
				return err
			}
		}
		return nil
	}
}

// withoutProbes is a spec without probes: their attempts would run beside what is measured.
func withoutProbes(spec *v1alpha1.NetLabSpec) v1alpha1.NetLabSpec {
	without := *spec
	without.Probes = nil
	return without
}

func (l *loop) reconcile(lab types.NamespacedName) error {
	delete(l.touched, lab)
	_, err := l.agent.Reconcile(l.ctx, reconcile.Request{NamespacedName: lab})
	return err
}

// quiet is how long no event comes once there are no more.
const quiet = 30 * time.Millisecond

// listen notes events until there are no more.
func (l *loop) listen() {
	for {
		select {
		case namespace := <-l.events:
			if lab, ok := l.agent.Touch(namespace); ok {
				l.touched[lab] = true
			}
		case <-time.After(quiet):
			return
		}
	}
}

func (l *loop) reconcileTouched() error {
	for lab := range l.touched {
		if err := l.reconcile(lab); err != nil {
			return err
		}
	}
	return nil
}

// rest does what the events of a step cause.
func (l *loop) rest() error {
	for l.listen(); len(l.touched) > 0; l.listen() {
		if err := l.reconcileTouched(); err != nil {
			return err
		}
	}
	return nil
}

// damage takes the edit back, and then deletes an address of each lab by hand.
func (l *loop) damage([]state.Op) error {
	if err := l.become(l.b.spec)(); err != nil {
		return err
	}
	if err := l.rest(); err != nil {
		return err
	}
	err := floor.Apply(l.b.plan(func(p part) []state.Op { return []state.Op{p.damage} }), floor.Options{})
	l.listen()
	if len(l.touched) != len(l.labs) && err == nil {
		err = fmt.Errorf("%d of %d labs have an event", len(l.touched), len(l.labs))
	}
	return err
}

// Each turn of a storm adds and deletes an address, which are four events: of the address, and of its local route.
const (
	stormTurn = 4 * time.Millisecond
	stormTime = 300 * time.Millisecond
)

// storm repairs a damage, while a namespace of the first lab has 1,000 events a second.
func (l *loop) storm(timed func(func() error) error) error {
	if err := l.damage(nil); err != nil {
		return err
	}
	id := state.AddressID{Namespace: l.b.undamaged(), AddressKey: state.AddressKey{Link: state.Loopback, Prefix: netip.MustParsePrefix("10.254.0.1/32")}}
	ctx, stop := context.WithCancel(l.ctx)
	ended := make(chan error)
	go func() { ended <- disturb(ctx, id) }()
	for over := time.After(stormTime); ; {
		select {
		case namespace := <-l.events:
			l.agent.Touch(namespace)
			continue
		case <-over:
		}
		break
	}
	err := timed(l.reconcileTouched)
	stop()
	return errors.Join(err, <-ended, l.rest())
}

// undamaged is the first namespace of the first lab that its damage leaves alone.
func (b *bench) undamaged() string {
	names := slices.Sorted(maps.Keys(b.parts[0].want))
	return names[slices.IndexFunc(names, func(name string) bool { return name != b.parts[0].damage.Namespace })]
}

func disturb(ctx context.Context, id state.AddressID) error {
	for turn := time.NewTicker(stormTurn); ctx.Err() == nil; <-turn.C {
		err := floor.Apply([]state.Op{state.AddAddress{AddressID: id}, state.DeleteAddress{AddressID: id}}, floor.Options{})
		if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) { // the agent may have been quicker
			return err
		}
	}
	return nil
}

// remove is what an agent does when its node is no longer selected.
func (l *loop) remove() error {
	for name, netlab := range l.labs {
		netlab.Spec.Placement = &v1alpha1.Placement{NodeSelector: &v1alpha1.NodeSelector{MatchLabels: map[string]string{"no": "node"}}}
		if err := l.reconcile(name); err != nil {
			return err
		}
	}
	return nil
}

const nodeName = "bench"

// cluster is what the agent needs of a manager.
type cluster struct {
	manager.Manager
	labs map[types.NamespacedName]*v1alpha1.NetLab
}

func (c cluster) GetClient() client.Client    { return reader{labs: c.labs} }
func (c cluster) GetAPIReader() client.Reader { return reader{labs: c.labs} }
func (c cluster) GetCache() cache.Cache       { return nil }

func (c cluster) GetEventRecorder(string) recorder.EventRecorder { return &events.FakeRecorder{} }

// reader copies objects as an informer's cache does.
type reader struct {
	client.Client
	labs map[types.NamespacedName]*v1alpha1.NetLab
}

func (r reader) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	switch into := into.(type) {
	case *v1alpha1.NetLab:
		if netlab := r.labs[key]; netlab != nil {
			netlab.DeepCopyInto(into)
			return nil
		}
	case *metav1.PartialObjectMetadata:
		into.Name = nodeName
		return nil
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

func (r reader) List(_ context.Context, into client.ObjectList, _ ...client.ListOption) error {
	list, ok := into.(*v1alpha1.NetLabList)
	if !ok {
		return fmt.Errorf("list %T: not in this cluster", into)
	}
	for _, netlab := range r.labs {
		list.Items = append(list.Items, *netlab.DeepCopy())
	}
	return nil
}
