// SPDX-License-Identifier: Apache-2.0

package converge_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

var identity = state.Identity{Namespace: "default", Name: "pair", Owner: state.LocalOwner("default", "pair")}

// want is two hosts on one cable.
func want(t *testing.T) state.State {
	t.Helper()
	compiled, err := lab.Compile(identity, &v1alpha1.NetLabSpec{
		Namespaces: []v1alpha1.Namespace{{Name: "a"}, {Name: "b"}},
		Subnets:    []v1alpha1.Subnet{{Name: "net", CIDRs: []string{"192.0.2.0/24"}}},
		Links:      []v1alpha1.Link{{Name: "l1", Subnet: "net", Endpoints: []v1alpha1.Endpoint{{Name: "a"}, {Name: "b"}}}},
	}, lab.Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Want
}

func TestALabIsBuiltKeptAndRemoved(t *testing.T) {
	ctx, k, want := t.Context(), fake.New(), want(t)

	built, err := converge.Converge(ctx, k, identity, want)
	if err != nil || !built.Realized() || !built.State.Equal(want) {
		t.Fatalf("built: %v, left %v, holds\n%s", err, built.Left, built.State)
	}
	if !slices.EqualFunc(built.Applied, k.Applied(), func(a, b state.Op) bool { return a == b }) {
		t.Errorf("says it applied %v, the kernel saw %v", built.Applied, k.Applied())
	}

	k.ForgetWrites()
	if again, err := converge.Converge(ctx, k, identity, want); err != nil || k.Writes() > 0 || len(again.Applied) > 0 {
		t.Errorf("a second time: %v, %v", err, k.Applied())
	}

	removed, err := converge.Remove(ctx, k, identity)
	if err != nil || !removed.Realized() || !k.State().Equal(state.State{}) {
		t.Errorf("removed: %v, holds\n%s", err, k.State())
	}
}

func TestAPlanWritesNothing(t *testing.T) {
	k, want := fake.New(), want(t)
	plan, err := converge.Plan(t.Context(), k, identity, want)
	if err != nil || len(plan.Left) == 0 || k.Writes() > 0 {
		t.Errorf("planned %v, %v, wrote %v", plan.Left, err, k.Applied())
	}
}

func TestAConflictStopsEverything(t *testing.T) {
	k, want := fake.New(), want(t)
	k.PlantConflict(state.Conflict{Name: "/run/netlab/netns/default.pair.a", Found: "a file that is not NetLab's"})
	out, err := converge.Converge(t.Context(), k, identity, want)
	if err != nil || out.Realized() || len(out.Conflicts) != 1 || k.Writes() > 0 {
		t.Errorf("%v, conflicts %v, wrote %v", err, out.Conflicts, k.Applied())
	}
}

// The outcome tells what the machine holds, not what was meant: everything before the
// operation that failed is there, that one and everything behind it is left.
func TestAFailingOperationIsNamed(t *testing.T) {
	k, want := fake.New(), want(t)
	k.FailOn(func(op state.Op) error {
		if strings.Contains(op.String(), "address replace") {
			return syscall.ENOSPC
		}
		return nil
	})
	out, err := converge.Converge(t.Context(), k, identity, want)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "ip -n default.pair.a address replace 192.0.2.1/24 dev l1") {
		t.Errorf("the error is %v", err)
	}
	if errors.Is(err, converge.ErrObserve) {
		t.Errorf("%v says that observing failed", err)
	}
	if out.Realized() || out.Left[0].String() != "ip -n default.pair.a address replace 192.0.2.1/24 dev l1" || len(out.Applied) != k.Writes() {
		t.Errorf("left %v, applied %v", out.Left, out.Applied)
	}
}

func TestAFailedObservationSaysNothing(t *testing.T) {
	k := fake.New()
	k.FailObserve(syscall.EINTR)
	_, err := converge.Remove(t.Context(), k, identity)
	if !errors.Is(err, converge.ErrObserve) || !errors.Is(err, syscall.EINTR) || err.Error() != "observe default/pair: interrupted system call" {
		t.Errorf("the error is %v", err)
	}
	if k.Writes() > 0 {
		t.Errorf("wrote %v", k.Applied())
	}
}

// Somebody takes the address away as often as it is set: after three rounds it is said, not
// fought over.
func TestThreeRounds(t *testing.T) {
	opposed := &opposed{Kernel: fake.New(), against: state.AddressID{}}
	want := want(t)
	for id := range want.Addresses() {
		if id.Namespace == "default.pair.a" && id.Link == "l1" {
			opposed.against = id
		}
	}
	out, err := converge.Converge(t.Context(), opposed, identity, want)
	if err != nil || opposed.rounds != 3 {
		t.Errorf("%d rounds, %v", opposed.rounds, err)
	}
	if left := state.Op(state.AddAddress{AddressID: opposed.against}); !slices.Contains(out.Left, left) || out.Realized() {
		t.Errorf("left %v, want %v", out.Left, left)
	}
}

// opposed is a machine on which another process removes an address after every Apply.
type opposed struct {
	*fake.Kernel
	against state.AddressID
	rounds  int
}

func (o *opposed) Edit(ctx context.Context, ops []state.Op, stale map[int][]state.Neighbour) (int, error) {
	o.rounds++
	n, err := o.Kernel.Edit(ctx, ops, stale)
	o.Mutate(func(s state.State) { delete(s[o.against.Namespace].Addresses, o.against.AddressKey) })
	return n, err
}

// updating is a kernel that records which neighbour entries it was to update, after which operation.
type updating struct {
	*fake.Kernel
	updated []string
}

func (u *updating) Edit(ctx context.Context, ops []state.Op, stale map[int][]state.Neighbour) (int, error) {
	for i, op := range ops {
		for _, n := range stale[i] {
			u.updated = append(u.updated, fmt.Sprintf("%s: %s %s has %s", op, state.NodeOf(n.Namespace), n.Address, n.MAC))
		}
	}
	return u.Kernel.Edit(ctx, ops, stale)
}

func TestNeighboursLearnWhatHasMoved(t *testing.T) {
	k, want := &updating{Kernel: fake.New()}, want(t)
	if _, err := converge.Converge(t.Context(), k, identity, want); err != nil || len(k.updated) > 0 {
		t.Errorf("of a new lab: %v, updated %v", err, k.updated)
	}
	want = want.Clone()
	id := state.AddressID{Namespace: identity.NetworkNamespace("a"), AddressKey: state.AddressKey{Link: "l1", Prefix: netip.MustParsePrefix("192.0.2.9/24")}}
	want[id.Namespace].Addresses[id.AddressKey] = state.Address{Order: 1}
	for range 2 {
		_, err := converge.Converge(t.Context(), k, identity, want)
		mac := want[id.Namespace].Links[id.Link].MAC.String()
		if expected := []string{"ip -n default.pair.a address replace 192.0.2.9/24 dev l1: b 192.0.2.9 has " + mac}; err != nil || !slices.Equal(k.updated, expected) {
			t.Errorf("of an address that has come: %v, updated %v", err, k.updated)
		}
	}
}

// impatient is a kernel that records where it deleted path MTUs.
type impatient struct {
	*fake.Kernel
	forgot [][]string
}

func (i *impatient) ForgetMACs(context.Context, []string) error { return nil }

func (i *impatient) ForgetExceptions(_ context.Context, namespaces []string) error {
	i.forgot = append(i.forgot, namespaces)
	return nil
}

func TestSendersForgetWhatHasGrown(t *testing.T) {
	k, want := &impatient{Kernel: fake.New()}, want(t)
	all := []string{identity.NetworkNamespace("a"), identity.NetworkNamespace("b")}
	for _, step := range []struct {
		mtu    int
		forget [][]string
	}{{1500, nil}, {1400, nil}, {9000, [][]string{all}}, {9000, nil}} {
		k.forgot, want = nil, want.Clone()
		for id, l := range want.Links() {
			if id.Name == "l1" {
				l.MTU = step.mtu
				want[id.Namespace].Links[id.Name] = l
			}
		}
		out, err := converge.Converge(t.Context(), k, identity, want)
		if err != nil || !out.Realized() || !slices.EqualFunc(k.forgot, step.forget, slices.Equal) {
			t.Errorf("MTU %d: %v, left %v, forgotten by %v, want %v", step.mtu, err, out.Left, k.forgot, step.forget)
		}
	}
}

// Going on from an outcome, it looks only where something may have changed, where want has, and where it is not as wanted.
func TestItGoesOnFromAnOutcome(t *testing.T) {
	ctx, k, want := t.Context(), fake.New(), want(t)
	a, b := identity.NetworkNamespace("a"), identity.NetworkNamespace("b")
	out, err := converge.Converge(ctx, k, identity, want)
	if err != nil || !out.Whole {
		t.Fatal(err)
	}
	edited := want.Clone()
	route := state.RouteKey{Prefix: netip.MustParsePrefix("10.0.0.0/8")}
	edited[b].Routes[route] = state.Route{Type: state.Blackhole, Protocol: state.RouteProtocol}
	refuse := func(err error) { k.FailOn(func(state.Op) error { return err }) }
	for _, c := range []struct {
		name    string
		prepare func()
		want    state.State
		changed []string
		whole   int
		looked  []string
		left    int
	}{
		{"nothing has changed", func() {}, want, nil, 0, nil, 0},
		{"an event", func() {}, want, []string{a}, 0, []string{a}, 0},
		{"an edit", func() {}, edited, nil, 0, []string{b, b}, 0},
		{"a refusal", func() { refuse(syscall.ENOSPC) }, want, nil, 1, []string{b}, 1},
		{"after it", func() { refuse(nil) }, want, nil, 0, []string{b, b}, 0},
		{"a conflict", func() { k.PlantConflict(state.Conflict{Name: state.NamespaceDir + "/" + a, Found: "a file"}) }, want, []string{a}, 0, []string{a}, 0},
		{"after it", k.RemoveConflicts, want, nil, 1, nil, 0},
		{"a failed look", func() { k.FailObserve(syscall.EINTR) }, want, []string{a}, 0, nil, 0},
		{"after it", func() { k.FailObserve(nil) }, want, nil, 1, nil, 0},
	} {
		c.prepare()
		k.Looks()
		out, _ = converge.ConvergeFrom(ctx, k, identity, c.want, out, c.changed)
		if whole, looked := k.Looks(); whole != c.whole || !slices.Equal(looked, c.looked) || len(out.Left) != c.left {
			t.Errorf("%s: looked %d times at all and at %v, left %v", c.name, whole, looked, out.Left)
		}
	}
}
