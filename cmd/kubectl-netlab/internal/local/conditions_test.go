// SPDX-License-Identifier: Apache-2.0

package local

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/status"
	"github.com/netlab-dev/netlab/controllers/status/statustest"
)

// Of one machine, agent, controller and command line report the same conditions in the same words.
// A report has no messages of True findings, and the controller names the node.
func TestAgentControllerAndCommandLineReportTheSame(t *testing.T) {
	for _, row := range statustest.Cases() {
		t.Run(row.Name, func(t *testing.T) {
			i := row.Inspection
			report := status.Report(i)
			summary, _ := status.Summarize(status.Facts{
				NetLab: i.NetLab, Problems: i.Problems, Now: time.Unix(0, 0),
				Nodes: []status.NodeFacts{{Name: "node-1", Report: &report}},
			})
			want := lines(conditions(i), true)
			if got := lines(fromSummary(summary.Conditions[:4]), true); got != want {
				t.Errorf("the controller reports\n%s\nthe command line\n%s", got, want)
			}
			want = lines(conditions(i), false)
			if got := lines(fromReport(report), false); got != want {
				t.Errorf("the agent reports\n%s\nthe command line\n%s", got, want)
			}
		})
	}
}

// fromSummary are a controller's conditions without the name of the only node. One machine has no others to select.
func fromSummary(list []metav1.Condition) []Condition {
	withoutNode := strings.NewReplacer("node-1: ", "", " on 1 node", "", "; or select other nodes with spec.placement", "")
	var conditions []Condition
	for _, c := range list {
		conditions = append(conditions, Condition{c.Type, v1alpha1.Finding{Status: c.Status, Reason: c.Reason, Message: withoutNode.Replace(c.Message)}})
	}
	return conditions
}

func fromReport(report v1alpha1.LabReport) []Condition {
	c := status.ConditionsIn(&report)
	return []Condition{
		{v1alpha1.ConditionReady, c.Ready()}, {v1alpha1.ConditionAccepted, c.Accepted},
		{v1alpha1.ConditionRealized, c.Realized}, {v1alpha1.ConditionReachable, c.Reachable},
	}
}

// lines has a condition per line, with the messages of True ones if they are asked for.
func lines(list []Condition, trueMessages bool) string {
	var b strings.Builder
	for _, c := range list {
		if c.Status == metav1.ConditionTrue && !trueMessages {
			c.Message = ""
		}
		fmt.Fprintf(&b, "%s=%s/%s: %s\n", c.Type, c.Status, c.Reason, c.Message)
	}
	return b.String()
}
