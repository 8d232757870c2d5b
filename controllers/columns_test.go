// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
)

// kubectl runs the real kubectl as an administrator and returns the fields of each line.
func kubectl(t *testing.T, args ...string) [][]string {
	t.Helper()
	cmd := exec.Command(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), append([]string{"--kubeconfig", api.Kubeconfig(t)}, args...)...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %v: %v\n%s", args, err, output)
	}
	var lines [][]string
	for line := range strings.Lines(string(output)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// A node without labs has 0 labs. It is blank until its agent reports.
func TestTheColumnsOfANodeState(t *testing.T) {
	c := adminClient(t)
	state := &v1alpha1.NetLabNodeState{}
	state.Name = "columns"
	create(t, c, state)
	state.Status = v1alpha1.NetLabNodeStateStatus{Agent: v1alpha1.AgentIdentity{Version: "v1"}}
	if err := c.Status().Update(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	got := kubectl(t, "get", "netlabnodestates", "columns", "--no-headers")[0]
	if want := "columns 0 0 v1"; strings.Join(got[:4], " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// What users filter by can be in a field selector, also together and before a controller has seen the lab.
func TestLabsAreSelectedByState(t *testing.T) {
	c := adminClient(t)
	namespace := newNamespace(t, c)
	for _, lab := range []struct {
		name   string
		ready  metav1.ConditionStatus
		reason string
	}{{"new", "", ""}, {"fine", metav1.ConditionTrue, v1alpha1.ReasonReady}, {"taken", metav1.ConditionFalse, v1alpha1.ReasonConflict}} {
		netlab := labtest.RoutedPair()
		netlab.Namespace, netlab.Name = namespace, lab.name
		netlab.Spec.Suspend = lab.name == "taken"
		create(t, c, netlab)
		if lab.ready == "" {
			continue
		}
		netlab.Status.Ready, netlab.Status.Reason = lab.ready, lab.reason
		netlab.Status.Probes = v1alpha1.ProbeCounts{Total: 3, Failing: 1, Summary: "2/3"}
		if err := c.Status().Update(t.Context(), netlab); err != nil {
			t.Fatal(err)
		}
	}
	for selector, want := range map[string]string{
		"status.ready=True":                           "fine",
		"status.ready!=True":                          "new taken",
		"status.reason=Conflict":                      "taken",
		"status.reason=Pending":                       "new",
		"status.ready=False,spec.suspend=true":        "taken",
		"spec.driftPolicy=Correct,spec.suspend!=true": "fine new",
	} {
		var names []string
		for _, line := range kubectl(t, "get", "netlabs", "-n", namespace, "--no-headers", "-o", "name", "--field-selector", selector) {
			names = append(names, strings.TrimPrefix(line[0], "netlab.netlab.dev/"))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s selects %q, want %q", selector, got, want)
		}
	}
	if header := kubectl(t, "get", "netlabs", "-n", namespace)[0]; strings.Join(header, " ") != "NAME READY REASON REACHABLE NODES PROBES AGE" {
		t.Errorf("the columns are %v", header)
	}
	var list v1alpha1.NetLabList
	err := c.List(t.Context(), &list, client.InNamespace(namespace), client.MatchingFields{"spec.routing": "Auto"})
	if err == nil || !strings.Contains(err.Error(), "field label not supported") {
		t.Errorf("a field that is not selectable: %v", err)
	}
}
