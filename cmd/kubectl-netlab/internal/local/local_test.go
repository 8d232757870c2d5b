// SPDX-License-Identifier: Apache-2.0

package local_test

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

func TestALabFromUpToDown(t *testing.T) {
	b := newBench()
	status := up(t, b, pair())
	if !status.Ready() || len(status.Applied) != b.kernel.Writes() || !status.Probes[0].Passed() {
		t.Errorf("up: %+v", status.Conditions)
	}
	if b.wire.from != "default.pair.ns1" {
		t.Errorf("the probe asks from %s", b.wire.from)
	}

	b.kernel.ForgetWrites()
	if again := up(t, b, pair()); !again.Ready() || b.kernel.Writes() > 0 {
		t.Errorf("a second up writes %v", b.kernel.Applied())
	}
	labs, err := b.Labs(t.Context(), "")
	if err != nil || !slices.Equal(labs, []state.Identity{local.Identity("default", "pair")}) {
		t.Errorf("the labs are %v, %v", labs, err)
	}

	b.kernel.steps = nil
	if remains, err := b.Down(t.Context(), "default", "pair"); err != nil || len(remains.Held) > 0 {
		t.Errorf("down: %v, %v", remains, err)
	}
	if !slices.Equal(b.kernel.steps, []string{"apply", "forget"}) {
		t.Errorf("down does %v", b.kernel.steps)
	}
	if !b.kernel.State().Equal(state.State{}) {
		t.Errorf("left:\n%s", b.kernel.State())
	}
	if _, err := b.Down(t.Context(), "default", "pair"); !errors.Is(err, local.ErrNotFound) {
		t.Errorf("a second down: %v", err)
	}
}

func TestStatusShowsWhatOthersPutThere(t *testing.T) {
	b := newBench()
	up(t, b, pair())
	b.kernel.AddUnmanaged("default.pair.ns1", state.Unmanaged{What: "policy rule 100: from all prohibit"})
	status, err := b.Status(t.Context(), "default", "pair")
	if err != nil || !slices.Equal(status.Unmanaged, []string{"default.pair.ns1: policy rule 100: from all prohibit"}) || len(status.Drift) > 0 {
		t.Errorf("it shows %q, and as drift %q, %v", status.Unmanaged, status.Drift, err)
	}
}

// Whatever is in the kernel can be found by name, wherever the program was killed.
func TestTheRecordComesFirst(t *testing.T) {
	b := newBench()
	up(t, b, pair())
	if !slices.Equal(b.kernel.steps, []string{"save", "apply"}) {
		t.Errorf("up does %v", b.kernel.steps)
	}
}

func TestAConflictLeavesEverything(t *testing.T) {
	b := newBench()
	b.kernel.PlantConflict(state.Conflict{Name: "/run/netlab/netns/default.pair.ns1", Found: "a file"})
	up := up(t, b, pair())
	want := local.Condition{Type: "Realized", Finding: status.False("Conflict", "/run/netlab/netns/default.pair.ns1 is taken: a file; remove what is there or rename the lab")}
	if got := up.Condition(v1alpha1.ConditionRealized); got != want {
		t.Errorf("got %+v", got)
	}
	if len(b.kernel.steps) > 0 || up.Ready() || len(up.Probes) > 0 {
		t.Errorf("did %v and asked %v", b.kernel.steps, up.Probes)
	}
	if _, err := b.Plan(t.Context(), pair()); !errors.Is(err, local.ErrConflict) {
		t.Errorf("plan says %v", err)
	}
}

// A cluster's agent has built a lab of the same name: nothing of it is touched or even shown.
func TestAnAgentsLabIsRefused(t *testing.T) {
	b := newBench()
	agent := state.Identity{Namespace: "default", Name: "pair", Owner: state.AgentOwner("6f1e")}
	b.kernel.Mutate(func(s state.State) {
		name := agent.NetworkNamespace("ns1")
		s[name] = state.Namespace{Label: agent.Owner.Label("ns1"), Mounted: true}
	})
	ctx := t.Context()
	for verb, do := range map[string]func() error{
		"up":     func() error { _, err := b.Up(ctx, pair()); return err },
		"plan":   func() error { _, err := b.Plan(ctx, pair()); return err },
		"down":   func() error { _, err := b.Down(ctx, "default", "pair"); return err },
		"status": func() error { _, err := b.Status(ctx, "default", "pair"); return err },
		"asking": func() error { _, err := b.Lab(ctx, "default", "pair"); return err },
		"exec":   func() error { return b.Exec(ctx, "default", "pair", "ns1", func() error { return nil }) },
	} {
		if err := do(); !errors.Is(err, local.ErrAgent) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if labs, err := b.Labs(ctx, ""); err != nil || len(labs) > 0 || len(b.kernel.steps) > 0 {
		t.Errorf("labs %v, %v; did %v", labs, err, b.kernel.steps)
	}
}

func TestOneWriterPerLab(t *testing.T) {
	b := newBench()
	unlock, err := b.kernel.Lock(local.Identity("default", "pair"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Up(t.Context(), pair()); !errors.Is(err, fake.ErrBusy) {
		t.Errorf("up: %v", err)
	}
	if _, err := b.Down(t.Context(), "default", "pair"); !errors.Is(err, fake.ErrBusy) {
		t.Errorf("down: %v", err)
	}
	unlock()
	up(t, b, pair())
	if _, err := b.Down(t.Context(), "default", "pair"); err != nil {
		t.Errorf("down, with the lock free again: %v", err)
	}
}

// The conditions of every way in which a lab can be less than ready.
func TestConditions(t *testing.T) {
	for name, c := range map[string]struct {
		lab                        func(*v1alpha1.NetLab)
		before, after              func(bench)
		realized, reachable, ready string
		message                    string
	}{
		"all well": {realized: "True/Realized", reachable: "True/AllProbesPass", ready: "True/Ready", message: "the lab matches the spec; every probe has its expected outcome"},
		"no probes": {
			lab:      func(l *v1alpha1.NetLab) { l.Spec.Probes = nil },
			realized: "True/Realized", reachable: "True/NoProbes", ready: "True/Ready", message: "the lab matches the spec; the lab has no probes",
		},
		"no routes": {
			lab:      func(l *v1alpha1.NetLab) { l.Spec.Routing = v1alpha1.RoutingManual },
			before:   func(b bench) { b.wire.answers = false },
			realized: "True/Realized", reachable: "False/NetworkUnreachable", ready: "False/NetworkUnreachable",
			message: "probe ns1-ns2 (IPv4): ns1 has no route to 198.51.100.1",
		},
		"an answer nobody wanted": {
			lab:      func(l *v1alpha1.NetLab) { l.Spec.Probes[0].Expect = v1alpha1.ExpectUnreachable },
			realized: "True/Realized", reachable: "False/UnexpectedReply", ready: "False/UnexpectedReply",
			message: "probe ns1-ns2 (IPv4): ns1 gets a reply from 198.51.100.1, which is expected to be unreachable",
		},
		"drifted, and yet reachable": {
			after: func(b bench) {
				b.kernel.Mutate(func(s state.State) {
					delete(s["default.pair.router"].Addresses, state.AddressKey{Link: "l2", Prefix: prefix("198.51.100.254/24")})
				})
			},
			realized: "False/Drifted", reachable: "True/AllProbesPass", ready: "False/Drifted",
			message: "1 difference from the spec; to correct it: ip -n default.pair.router address replace 198.51.100.254/24 dev l2",
		},
		"a namespace is gone": {
			after: func(b bench) {
				b.kernel.Mutate(func(s state.State) {
					after := s.With(state.DeleteNamespace{Name: "default.pair.ns2"})
					clear(s)
					maps.Copy(s, after)
				})
				b.wire.failure = errors.New("open /run/netlab/netns/default.pair.ns2: no network namespace is mounted")
			},
			realized: "False/Drifted", reachable: "Unknown/ProbeError", ready: "False/Drifted",
			message: "the first correction: ip netns add default.pair.ns2",
		},
		"every namespace is gone": {
			after:    func(b bench) { b.kernel.Mutate(func(s state.State) { clear(s) }) },
			realized: "False/Drifted", reachable: "Unknown/NotRealized", ready: "False/Drifted",
			message: "no network namespace of the lab exists on this machine; up -f builds it",
		},
		"the kernel refuses": {
			before: func(b bench) {
				b.kernel.FailOn(func(op state.Op) error {
					if _, ok := op.(state.AddLink); ok {
						return syscall.EOPNOTSUPP
					}
					return nil
				})
			},
			realized: "False/KernelError", reachable: "Unknown/NotRealized", ready: "False/KernelError",
			message: "ip -n default.pair.ns1 link add name l1",
		},
		"the kernel cannot": {
			before:   func(b bench) { b.kernel.FailOn(func(state.Op) error { return errFeature }) },
			realized: "False/KernelFeatureMissing", reachable: "Unknown/NotRealized", ready: "False/KernelFeatureMissing",
			message: "this kernel lacks a feature",
		},
		"the kernel does not say": {
			after:    func(b bench) { b.kernel.FailObserve(syscall.EINTR) },
			realized: "Unknown/ObservationFailed", reachable: "Unknown/NotRealized", ready: "Unknown/ObservationFailed",
			message: "observe default/pair: interrupted system call",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, lab := newBench(), pair()
			if c.lab != nil {
				c.lab(lab)
			}
			if c.before != nil {
				c.before(b)
			}
			status := up(t, b, lab)
			if c.after != nil {
				c.after(b)
				var err error
				if status, err = b.Status(t.Context(), "default", "pair"); err != nil {
					t.Fatal(err)
				}
			}
			for condition, want := range map[string]string{
				v1alpha1.ConditionAccepted: "True/Valid", v1alpha1.ConditionRealized: c.realized,
				v1alpha1.ConditionReachable: c.reachable, v1alpha1.ConditionReady: c.ready,
			} {
				if got := status.Condition(condition); string(got.Status)+"/"+got.Reason != want {
					t.Errorf("%s is %s/%s, want %s", condition, got.Status, got.Reason, want)
				}
			}
			if got := status.Condition(v1alpha1.ConditionReady).Message; !strings.Contains(got, c.message) {
				t.Errorf("the message is %q, want %q", got, c.message)
			}
		})
	}
}

func TestASuspendedLabIsLeftAlone(t *testing.T) {
	b := newBench()
	up(t, b, pair())
	b.kernel.ForgetWrites()
	lab := pair()
	lab.Spec.Suspend = true
	lab.Spec.Namespaces = append(lab.Spec.Namespaces, v1alpha1.Namespace{Name: "ns3"})
	b.wire.from = ""

	status := up(t, b, lab)
	if c := status.Condition(v1alpha1.ConditionReady); c.Status != metav1.ConditionUnknown || c.Reason != v1alpha1.ReasonSuspended {
		t.Errorf("Ready is %+v", c)
	}
	if b.kernel.Writes() > 0 || b.wire.from != "" {
		t.Errorf("wrote %v, asked from %q", b.kernel.Applied(), b.wire.from)
	}
}

func TestWhatStatusShows(t *testing.T) {
	b := newBench()
	up(t, b, pair())
	b.kernel.Mutate(func(s state.State) {
		id := state.LinkID{Namespace: "default.pair.ns1", Name: "l1"}
		link := s[id.Namespace].Links[id.Name]
		link.Up = false
		s[id.Namespace].Links[id.Name] = link
	})
	status, err := b.Status(t.Context(), "default", "pair")
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, n := range status.Nodes {
		for _, i := range n.Interfaces {
			shown = append(shown, strings.Join(append([]string{n.NetworkNamespace, i.Name, i.State, i.Peer}, i.Addresses...), " "))
		}
	}
	want := []string{
		"default.pair.ns1 l1 Down router 192.0.2.1/24",
		"default.pair.ns2 l2 Up router 198.51.100.1/24",
		"default.pair.router l1 NoCarrier ns1 192.0.2.254/24",
		"default.pair.router l2 Up ns2 198.51.100.254/24",
	}
	if !slices.Equal(shown, want) {
		t.Errorf("shows\n%s\nwant\n%s", strings.Join(shown, "\n"), strings.Join(want, "\n"))
	}
}

// After a crash there may be a record and nothing else, or everything but the record.
func TestDownAfterACrash(t *testing.T) {
	id := local.Identity("default", "pair")
	t.Run("a record alone", func(t *testing.T) {
		b := newBench()
		b.kernel.FailOn(func(state.Op) error { return syscall.EIO })
		up(t, b, pair())
		if labs, err := b.Labs(t.Context(), ""); err != nil || !slices.Equal(labs, []state.Identity{id}) {
			t.Errorf("the labs are %v, %v", labs, err)
		}
		b.kernel.FailOn(nil)
		if _, err := b.Down(t.Context(), "default", "pair"); err != nil {
			t.Error(err)
		}
		if records, err := b.kernel.Records(); err != nil || len(records) > 0 {
			t.Errorf("left %v, %v", records, err)
		}
	})
	t.Run("no record", func(t *testing.T) {
		b := newBench()
		up(t, b, pair())
		if err := b.kernel.DeleteRecord(id); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Status(t.Context(), "default", "pair"); err == nil || !strings.Contains(err.Error(), "the record of default/pair is lost") {
			t.Errorf("status: %v", err)
		}
		if _, err := b.Down(t.Context(), "default", "pair"); err != nil || !b.kernel.State().Equal(state.State{}) {
			t.Errorf("down: %v, left\n%s", err, b.kernel.State())
		}
	})
	t.Run("a record that cannot be read", func(t *testing.T) {
		b := newBench()
		up(t, b, pair())
		if err := b.kernel.Kernel.SaveRecord(id, []byte("{")); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Down(t.Context(), "default", "pair"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a record of the agent", func(t *testing.T) {
		b := newBench()
		if err := b.kernel.Kernel.SaveRecord(id, []byte(`{"generation": 7}`)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Down(t.Context(), "default", "pair"); !errors.Is(err, local.ErrNotFound) {
			t.Errorf("down: %v", err)
		}
		if _, err := b.kernel.LoadRecord(id); err != nil {
			t.Errorf("the record is gone: %v", err)
		}
	})
}

// A lab is asked as it was built, whatever has become of the file.
func TestAsking(t *testing.T) {
	b, ctx := newBench(), t.Context()
	up(t, b, pair())
	lab, err := b.Lab(ctx, "default", "pair")
	if err != nil {
		t.Fatal(err)
	}
	walked, err := lab.ExplainPath(ctx, ask.Path{From: "ns2", To: "192.0.2.1"})
	if err != nil || len(walked) != 1 || !walked[0].Passed || len(walked[0].Walk.Forward) != 3 {
		t.Errorf("explained %+v, %v", walked, err)
	}
	entered := false
	if err := b.Exec(ctx, "default", "pair", "ns1", func() error { entered = true; return nil }); err != nil || !entered {
		t.Errorf("entered %t, %v", entered, err)
	}
	_, notFound := b.Lab(ctx, "default", "other")
	for want, err := range map[string]error{
		"default/other: no such lab on this machine":                notFound,
		`default/pair has no node "x"; its nodes: ns1, ns2, router`: b.Exec(ctx, "default", "pair", "x", nil),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }
