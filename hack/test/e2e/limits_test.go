// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// countOfLabs is how a ResourceQuota counts NetLabs.
const countOfLabs = "count/netlabs.netlab.dev"

// A tenant has as many labs as its quota allows, and not one more.
func TestAQuotaHolds(t *testing.T) {
	s := beginBeside(t)
	ns := tenant(t, "quota")
	const allowed, asked = 2, 5
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "labs"}}
	quota.Spec.Hard = corev1.ResourceList{countOfLabs: *resource.NewQuantity(allowed, resource.DecimalSI)}
	ensure(t, quota)
	eventually(t, soon, "the quota is in force", func() error {
		err := api.Get(t.Context(), client.ObjectKeyFromObject(quota), quota)
		if _, counted := quota.Status.Used[countOfLabs]; err == nil && !counted {
			err = fmt.Errorf("labs are not counted yet: %v", quota.Status.Used)
		}
		return err
	})
	refused := 0
	for i := range asked {
		switch err := api.Create(t.Context(), single(ns, fmt.Sprintf("lab-%d", i))); {
		case apierrors.IsForbidden(err) && strings.Contains(err.Error(), countOfLabs):
			refused++
		case err != nil:
			t.Fatal(err)
		}
	}
	s.counted("%d labs asked for, %d allowed, %d refused", asked, allowed, refused)
	if refused != asked-allowed {
		t.Errorf("%d of %d labs were refused", refused, asked)
	}
}

// A node that has no room for a lab says so, with the limit; the labs it has stay as they are.
func TestNodeLimitsAreReported(t *testing.T) {
	s := begin(t)
	ns := tenant(t, "limits")
	withAgentFlags(t, "--max-labs=2", "--max-namespaces=5")
	first, second := routedPair(t, ns, "first"), single(ns, "second")
	tooLarge, tooMany := routedPair(t, ns, "too-large"), single(ns, "too-many")
	createReady(t, first)
	create(t, tooLarge)
	limitExceeded(t, s, tooLarge, "max-namespaces")
	createReady(t, second)
	create(t, tooMany)
	limitExceeded(t, s, tooMany, "max-labs")
	for _, lab := range []*v1alpha1.NetLab{first, second} {
		if err := says(t, lab, v1alpha1.ConditionReady, metav1.ConditionTrue); err != nil {
			t.Error(err)
		}
	}
}

func limitExceeded(t *testing.T, s *story, lab *v1alpha1.NetLab, limit string) {
	t.Helper()
	eventually(t, soon, lab.Name+" exceeds a limit", func() error {
		if err := says(t, lab, v1alpha1.ConditionRealized, metav1.ConditionFalse); err != nil {
			return err
		}
		if c := conditionOf(lab, v1alpha1.ConditionRealized); c.Reason != v1alpha1.ReasonLimitExceeded || !strings.Contains(c.Message, limit) {
			return fmt.Errorf("%s: %s", c.Reason, c.Message)
		}
		return nil
	})
	s.counted("%s: %s", lab.Name, conditionOf(lab, v1alpha1.ConditionRealized).Message)
}

// withAgentFlags runs every agent with more flags until the story ends.
func withAgentFlags(t *testing.T, flags ...string) {
	t.Helper()
	set := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "netlab-agent"}}
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(set), set); err != nil {
		t.Fatal(err)
	}
	before := set.Spec.Template.Spec.Containers[0].Args
	t.Cleanup(func() { setAgentArgs(t, set, before) })
	setAgentArgs(t, set, slices.Concat(before, flags))
}

func setAgentArgs(t *testing.T, set *appsv1.DaemonSet, args []string) {
	t.Helper()
	encoded, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	patch := fmt.Appendf(nil, `[{"op":"replace","path":"/spec/template/spec/containers/0/args","value":%s}]`, encoded)
	if err := api.Patch(lasting(t), set, client.RawPatch("application/json-patch+json", patch)); err != nil {
		t.Fatal(err)
	}
	if err := rolledOut(); err != nil {
		t.Fatal(err)
	}
}
