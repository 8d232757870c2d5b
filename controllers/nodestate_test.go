// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/status"
)

// The controller alone makes and deletes NetLabNodeStates; agents only fill them in.
func TestANodeStateComesAndGoesWithItsNode(t *testing.T) {
	w := newWorld(t)
	first := w.awaitNodeState("of a new Node", func(s *v1alpha1.NetLabNodeState) bool { return s != nil })

	if err := w.admin.Delete(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	w.awaitNodeState("created again after a user deleted it, and filled in again", func(s *v1alpha1.NetLabNodeState) bool {
		return s != nil && s.UID != first.UID && s.Status.Agent.PodUID != ""
	})

	node := &corev1.Node{}
	node.Name = w.node
	if err := w.admin.Delete(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	w.awaitNodeState("gone with its Node", func(s *v1alpha1.NetLabNodeState) bool { return s == nil })
}

// awaitNodeState waits for the NetLabNodeState of the world's node, nil if there is none.
func (w *world) awaitNodeState(what string, is func(*v1alpha1.NetLabNodeState) bool) (last *v1alpha1.NetLabNodeState) {
	w.Helper()
	eventually(w.T, "a NetLabNodeState "+what, func(ctx context.Context) (bool, string) {
		last = &v1alpha1.NetLabNodeState{}
		err := w.admin.Get(ctx, types.NamespacedName{Name: w.node}, last)
		if apierrors.IsNotFound(err) {
			last = nil
		} else if err != nil {
			return false, err.Error()
		}
		return is(last), fmt.Sprint(last)
	})
	return last
}

// Nothing of ours can keep anything from being deleted.
func TestNothingHasAFinalizer(t *testing.T) {
	w := newWorld(t)
	lab := labtest.RoutedPair()
	lab.Namespace = w.namespace
	create(t, w.admin, lab)
	w.await(lab.Name, "Ready=True/Ready")
	state := w.awaitNodeState("with the lab", func(s *v1alpha1.NetLabNodeState) bool { return s != nil && s.Status.LabCount == 1 })
	for _, o := range []client.Object{w.lab(lab.Name), state} {
		if len(o.GetFinalizers()) > 0 || len(o.GetOwnerReferences()) > 0 {
			t.Errorf("%T %s has finalizers %v and owners %v", o, o.GetName(), o.GetFinalizers(), o.GetOwnerReferences())
		}
	}
}

// What is there of a lab goes when the lab does, whatever its spec says at that time.
func TestALabIsRemovedHoweverItIsWhenItIsDeleted(t *testing.T) {
	for _, c := range []struct {
		name  string
		edit  func(*v1alpha1.NetLabSpec)
		reads string
	}{
		{"suspended", func(s *v1alpha1.NetLabSpec) { s.Suspend = true }, v1alpha1.ReasonSuspended},
		{"invalid", func(s *v1alpha1.NetLabSpec) { s.Subnets[1].CIDRs = []string{"192.0.2.128/25"} }, v1alpha1.ReasonNotAccepted},
		{"under driftPolicy Report", func(s *v1alpha1.NetLabSpec) { s.DriftPolicy = v1alpha1.DriftReport }, v1alpha1.ReasonRealized},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			lab := labtest.RoutedPair()
			lab.Namespace = w.namespace
			create(t, w.admin, lab)
			w.await(lab.Name, "Ready=True/Ready")
			w.edit(lab.Name, c.edit)
			eventually(t, "the agent to know", func(context.Context) (bool, string) {
				labs := w.report().Labs
				return len(labs) == 1 && labs[0].ObservedGeneration == 2 && status.ConditionsIn(&labs[0]).Realized.Reason == c.reads, fmt.Sprint(labs)
			})
			if len(w.kernel.State()) != 3 {
				t.Fatal("nothing is there that could be removed: this shows nothing")
			}
			if err := w.admin.Delete(t.Context(), lab); err != nil {
				t.Fatal(err)
			}
			w.awaitNothing()
		})
	}
}

func (w *world) awaitNothing() {
	w.Helper()
	eventually(w.T, "an empty machine", func(context.Context) (bool, string) {
		s := w.kernel.State()
		return len(s) == 0, s.String()
	})
}
