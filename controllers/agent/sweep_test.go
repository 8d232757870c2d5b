// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	clientfake "sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/state"
)

var netlabs = schema.GroupResource{Group: v1alpha1.Group, Resource: "netlabs"}

// An API server's answer to one LIST and to the GET that may follow: nil is a success.
type answer struct {
	list, get error
	// back: the lab is in this LIST.
	back bool
}

func TestALabIsSweptOnlyIfTwoListsInARowAndAGetSaySo(t *testing.T) {
	gone := answer{}
	forbidden := answer{list: apierrors.NewForbidden(netlabs, "", errors.New("no"))}
	noCRD := answer{list: apierrors.NewNotFound(netlabs, "")}
	timeout := answer{list: apierrors.NewTimeoutError("later", 1)}
	for _, c := range []struct {
		name    string
		answers []answer
		swept   bool
	}{
		{"absent once", []answer{gone}, false},
		{"absent twice", []answer{gone, gone}, true},
		{"forbidden", []answer{forbidden, forbidden, forbidden}, false},
		{"the CRD is gone", []answer{noCRD, noCRD, noCRD}, false},
		{"timeouts", []answer{timeout, timeout, timeout}, false},
		{"absent, unknown, absent", []answer{gone, timeout, gone}, false},
		{"absent, unknown, absent twice", []answer{gone, noCRD, gone, gone}, true},
		{"absent, back, absent", []answer{gone, {back: true}, gone}, false},
		{"absent twice, and yet there by name", []answer{gone, {get: apierrors.NewTimeoutError("later", 1)}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sweepThrough(t, state.AgentOwner("gone"), c.answers); got != c.swept {
				t.Errorf("swept is %t", got)
			}
		})
	}
}

func TestTheSweepLeavesLabsOfTheCommandLineAlone(t *testing.T) {
	if sweepThrough(t, state.LocalOwner("default", "lab"), []answer{{}, {}, {}}) {
		t.Error("it was swept")
	}
}

func TestALabOfThatNameWithAnotherUIDIsNoReasonToKeepTheOldOne(t *testing.T) {
	k := kernelWith(t, "old")
	live := fakeAPI(t, interceptor.Funcs{}, labNamed("lab", "new"))
	var deleted []state.Identity
	s := newSweep(k, live, live, func(id state.Identity) { deleted = append(deleted, id) })
	for range 2 {
		if err := s.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(deleted) != 1 || deleted[0].Owner.UID() != "old" {
		t.Errorf("deleted %v", deleted)
	}
}

func TestTheSweepListsNothingWhileTheCacheHasEveryLab(t *testing.T) {
	asked := 0
	live := fakeAPI(t, interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		asked++
		return nil
	}})
	s := newSweep(kernelWith(t, "there"), fakeAPI(t, interceptor.Funcs{}, labNamed("lab", "there")), live, nil)
	if err := s.pass(t.Context()); err != nil || asked != 0 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

// sweepThrough passes once per answer over a machine with one lab, and reports whether the lab was swept.
func sweepThrough(t *testing.T, owner state.Owner, answers []answer) bool {
	t.Helper()
	now := answer{}
	live := fakeAPI(t, interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if now.back {
				list.(*v1alpha1.NetLabList).Items = []v1alpha1.NetLab{*labNamed("lab", "gone")}
			}
			return now.list
		},
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if now.get != nil {
				return now.get
			}
			return apierrors.NewNotFound(netlabs, key.Name)
		},
	})
	swept := false
	s := newSweep(kernelWithOwner(t, owner), fakeAPI(t, interceptor.Funcs{}), live, func(state.Identity) { swept = true })
	for _, now = range answers {
		err := s.pass(t.Context())
		if unknown := now.list != nil || now.get != nil; unknown != (err != nil) {
			t.Errorf("the error is %v", err)
		}
	}
	return swept
}

func kernelWith(t *testing.T, uid string) *fake.Kernel {
	return kernelWithOwner(t, state.AgentOwner(uid))
}

// kernelWithOwner has one namespace, of lab default/lab.
func kernelWithOwner(t *testing.T, owner state.Owner) *fake.Kernel {
	t.Helper()
	k := fake.New()
	if _, err := k.Apply(t.Context(), []state.Op{state.CreateNamespace{Name: "default.lab.x", Label: owner.Label("x")}}); err != nil {
		t.Fatal(err)
	}
	return k
}

func labNamed(name string, uid types.UID) *v1alpha1.NetLab {
	lab := &v1alpha1.NetLab{}
	lab.Namespace, lab.Name, lab.UID = "default", name, uid
	return lab
}

func fakeAPI(t *testing.T, answers interceptor.Funcs, objects ...client.Object) client.WithWatch {
	t.Helper()
	scheme, err := cluster.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	return clientfake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(answers).Build()
}

func TestTheCapacityLimits(t *testing.T) {
	c := newCapacity(Limits{Labs: 3, Namespaces: 20, Rows: 100}, Limits{Labs: 2, Namespaces: 10, Rows: 60})
	for _, step := range []struct {
		lab              string // namespace/name
		namespaces, rows int
		overLimit        string
	}{
		{"a/1", 4, 10, ""},
		{"a/2", 7, 10, "the lab needs 7 namespaces; namespace a on this node is limited to 10, of which 6 are free (--max-namespaces-per-tenant)"},
		{"a/2", 6, 60, "the lab needs 60 rows; namespace a on this node is limited to 60, of which 50 are free (--max-rows-per-tenant)"},
		{"a/2", 6, 50, ""},
		{"a/3", 0, 0, "namespace a on this node is limited to 2 labs (--max-labs-per-tenant)"},
		{"a/1", 5, 10, "the lab needs 5 namespaces; namespace a on this node is limited to 10, of which 4 are free (--max-namespaces-per-tenant)"}, // an edit
		{"b/1", 11, 0, "the lab needs 11 namespaces; namespace b on this node is limited to 10, of which 10 are free (--max-namespaces-per-tenant)"},
		{"b/1", 9, 45, "the lab needs 45 rows; this node is limited to 100, of which 40 are free (--max-rows)"},
		{"b/1", 9, 40, ""},
		{"c/1", 1, 0, "this node is limited to 3 labs (--max-labs)"},
		{"-a/1", 0, 0, ""},
		{"c/1", 6, 0, "the lab needs 6 namespaces; this node is limited to 20, of which 5 are free (--max-namespaces)"},
		{"c/1", 5, 10, ""},
	} {
		namespace, name, _ := strings.Cut(step.lab, "/")
		id := state.Identity{Namespace: strings.TrimPrefix(namespace, "-"), Name: name, Owner: state.AgentOwner(name)}
		if namespace != id.Namespace {
			c.release(id)
		} else if got := c.reserve(id, step.namespaces, step.rows); got != step.overLimit {
			t.Errorf("%+v: got %q", step, got)
		}
	}
}

// Limits that are lower than what is there concern new labs, and what is there once it grows.
func TestLoweredLimitsLeaveWhatIsThere(t *testing.T) {
	for _, limits := range [][2]Limits{
		{{Labs: 1, Namespaces: 1, Rows: 1}, {}},
		{{}, {Labs: 1, Namespaces: 1, Rows: 1}},
	} {
		c := newCapacity(limits[0], limits[1])
		id := func(name string) state.Identity {
			return state.Identity{Namespace: "default", Name: name, Owner: state.AgentOwner(name)}
		}
		for _, name := range []string{"a", "b"} {
			c.set(id(name), usage{namespaces: 3, rows: 10, found: true})
		}
		for range 2 { // the second time, what the labs should have is known
			for _, name := range []string{"a", "b"} {
				if got := c.reserve(id(name), 4, 20); got != "" {
					t.Errorf("%+v: %s was there: %s", limits, name, got)
				}
			}
		}
		if got := c.reserve(id("a"), 3, 20); got != "" {
			t.Errorf("%+v: an edit takes a namespace away: %s", limits, got)
		}
		if c.reserve(id("a"), 4, 20) == "" || c.reserve(id("b"), 4, 21) == "" || c.reserve(id("c"), 1, 1) == "" {
			t.Errorf("%+v: a lab grows, or a new one is added", limits)
		}
	}
}

func TestARestartedAgentKnowsWhatIsThere(t *testing.T) {
	c := newCapacity(Limits{Labs: 1}, Limits{})
	if err := c.read(t.Context(), kernelWith(t, "there")); err != nil {
		t.Fatal(err)
	}
	other := state.Identity{Namespace: "default", Name: "other", Owner: state.AgentOwner("other")}
	if c.reserve(other, 1, 1) == "" {
		t.Error("a lab takes the place of one that was there before")
	}
	there := state.Identity{Namespace: "default", Name: "lab", Owner: state.AgentOwner("there")}
	if got := c.reserve(there, 1, 1); got != "" {
		t.Error(got)
	}
}
