// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
)

// Rights cannot grow unnoticed: a new one must be added here, too.
func TestRightsAreExactlyThese(t *testing.T) {
	want := map[string][]string{
		"ClusterRole netlab-agent": {
			"netlab.dev/netlabs: get list watch",
			"netlab.dev/netlabnodestates: list watch",
			"netlab.dev/netlabnodestates/status: patch",
			"/nodes: list watch",
			"events.k8s.io/events: create patch",
			"authentication.k8s.io/tokenreviews: create",
			"authorization.k8s.io/subjectaccessreviews: create",
		},
		"ClusterRole netlab-controller": {
			"netlab.dev/netlabs: list watch",
			"netlab.dev/netlabs/status: patch",
			"netlab.dev/netlabnodestates: list watch create delete",
			"/nodes: list watch",
			"events.k8s.io/events: create patch",
			"authentication.k8s.io/tokenreviews: create",
			"authorization.k8s.io/subjectaccessreviews: create",
		},
		"Role netlab-controller": {
			"/pods: list watch",
			"coordination.k8s.io/leases: create",
			"coordination.k8s.io/leases[netlab-controller]: get update",
			"/events: create patch",
		},
		"ClusterRole netlab-metrics-reader": {"/metrics: get"},
		"ClusterRole netlab-view":           {"netlab.dev/netlabs: get list watch"},
		"ClusterRole netlab-edit":           {"netlab.dev/netlabs: create update patch delete deletecollection"},
	}
	got := map[string][]string{}
	files, err := filepath.Glob(filepath.Join("..", "config", "rbac", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, o := range readObjects(t, file) {
			if o.GetKind() != "ClusterRole" && o.GetKind() != "Role" {
				continue
			}
			var role rbacv1.ClusterRole
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
				t.Fatal(err)
			}
			name := o.GetKind() + " " + o.GetName()
			for _, rule := range role.Rules {
				got[name] = append(got[name], ruleText(rule))
			}
		}
	}
	for name := range got {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, strings.Join(got[name], "\n"), strings.Join(want[name], "\n"))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d roles, want %d", len(got), len(want))
	}
}

func ruleText(r rbacv1.PolicyRule) string {
	if len(r.NonResourceURLs) > 0 {
		return fmt.Sprintf("%s: %s", strings.Join(r.NonResourceURLs, ","), strings.Join(r.Verbs, " "))
	}
	names := ""
	if len(r.ResourceNames) > 0 {
		names = fmt.Sprint(r.ResourceNames)
	}
	return fmt.Sprintf("%s/%s%s: %s", strings.Join(r.APIGroups, ","), strings.Join(r.Resources, ","), names, strings.Join(r.Verbs, " "))
}

func TestAnAgentReportsOnlyOnItsOwnNode(t *testing.T) {
	admin := adminClient(t)
	installRights(t, admin)
	for _, name := range []string{"own-node", "other-node"} {
		state := &v1alpha1.NetLabNodeState{}
		state.Name = name
		create(t, admin, state)
	}
	report := func(account, tokenOf, name string) error {
		config := api.Config(t)
		config.Impersonate = impersonate(account, tokenOf)
		state := &v1alpha1.NetLabNodeState{}
		state.Name = name
		return cluster.ReplaceStatus(t.Context(), clientFor(t, config), state, v1alpha1.NetLabNodeStateStatus{LabCount: 1}, "")
	}
	// A new policy takes a moment to be enforced.
	refused := func(err error) bool { return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "own node") }
	eventually(t, "the policy to be enforced", func(context.Context) (bool, string) {
		err := report("netlab-agent", "own-node", "other-node")
		return refused(err), fmt.Sprint(err)
	})
	if err := report("netlab-agent", "own-node", "own-node"); err != nil {
		t.Errorf("its own: %v", err)
	}
	if err := report("netlab-agent", "", "own-node"); !refused(err) {
		t.Errorf("a token without a node: %v", err)
	}
	if err := report("netlab-controller", "own-node", "own-node"); !apierrors.IsForbidden(err) {
		t.Errorf("the controller: %v", err)
	}
}

func TestTheAPIServerAcceptsTheManifests(t *testing.T) {
	admin := adminClient(t)
	installRights(t, admin)
	c := client.NewDryRunClient(strictly(admin))
	for _, file := range []string{"agent/daemonset.yaml", "controller/deployment.yaml", "neighbor-table/daemonset.yaml", "prometheus/reader.yaml"} {
		for _, o := range readObjects(t, filepath.Join("..", "config", file)) {
			if err := c.Create(t.Context(), o); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}
