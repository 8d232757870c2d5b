// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
)

// A lab that could not be looked at, because somebody interrupted it for instance, may have much to change.
func TestNothingToChangeIsSaidOnlyOfALabThatIsThere(t *testing.T) {
	for realized, want := range map[metav1.ConditionStatus]string{
		metav1.ConditionTrue:    "default/lab: nothing to change\n",
		metav1.ConditionFalse:   "default/lab: nothing was changed\n",
		metav1.ConditionUnknown: "default/lab: nothing was changed\n",
	} {
		out, err := os.Create(t.TempDir() + "/out")
		if err != nil {
			t.Fatal(err)
		}
		a := &app{out: &output{file: out}, terminal: &terminal{out: out, err: out}}
		a.printUp(&local.Status{Namespace: "default", Name: "lab", Conditions: []local.Condition{{Type: v1alpha1.ConditionRealized, Finding: v1alpha1.Finding{Status: realized}}}})
		told, err := os.ReadFile(out.Name())
		if err != nil || !strings.HasPrefix(string(told), want) {
			t.Errorf("Realized %s: %q, %v; want it to begin with %q", realized, told, err, want)
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
	}
}
