// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/status"
)

// reported is what the cluster says about the probes, as JSON. Accepted and Realized are there while they keep
// the probes from running.
type reported struct {
	Accepted             *metav1.Condition       `json:"accepted,omitempty"`
	Realized             *metav1.Condition       `json:"realized,omitempty"`
	Reachable            metav1.Condition        `json:"reachable"`
	FailingProbes        []v1alpha1.FailingProbe `json:"failingProbes"`
	FailingProbesOmitted int32                   `json:"failingProbesOmitted,omitempty"`
}

func reportOf(lab *v1alpha1.NetLab, named string) reported {
	r := reported{
		Reachable: condition(lab, v1alpha1.ConditionReachable), FailingProbes: failing(lab, named), FailingProbesOmitted: lab.Status.FailingProbesOmitted,
	}
	if c := condition(lab, v1alpha1.ConditionAccepted); c.Status != metav1.ConditionTrue {
		r.Accepted = &c
	}
	if c := condition(lab, v1alpha1.ConditionRealized); c.Status != metav1.ConditionTrue {
		r.Realized = &c
	}
	return r
}

// printReported says first why the probes do not run, if they do not: the cause and the fix are in that condition.
func (a *app) printReported(lab *v1alpha1.NetLab, named string) {
	r := reportOf(lab, named)
	defer a.printSee(r.causes())
	for _, c := range []*metav1.Condition{r.Accepted, r.Realized, &r.Reachable} {
		if c != nil {
			a.printCondition(*c)
		}
	}
	if a.printFailing(lab, named) > 0 || named == "" || r.Reachable.Status != metav1.ConditionFalse {
		return
	}
	fmt.Fprintf(a.out, "no node reports that %s fails\n", named)
	if unknown := lab.Status.Nodes.Unknown; unknown > 0 {
		fmt.Fprintf(a.out, "there is no report from %s\n", status.CountOf(int(unknown), "node"))
	}
}

// causes are those of failing probes, or why they do not run.
func (r reported) causes() (causes []string) {
	for _, c := range []*metav1.Condition{r.Accepted, r.Realized} {
		if c != nil && c.Status == metav1.ConditionFalse {
			causes = append(causes, c.Reason)
		}
	}
	for _, p := range r.FailingProbes {
		causes = append(causes, p.Reason)
	}
	return causes
}

// nodesOf names the first node and counts the others.
func nodesOf(p v1alpha1.FailingProbe) string {
	if p.Nodes < 2 {
		return p.Node
	}
	return fmt.Sprintf("%s and %s", p.Node, status.CountOf(int(p.Nodes)-1, "more node"))
}

// messageOf says where the message is that the status has no room for.
func messageOf(lab *v1alpha1.NetLab, p v1alpha1.FailingProbe) string {
	if p.Message != "" {
		return p.Message
	}
	return fmt.Sprintf("the status has no room for the message; kubectl netlab explain -n %s %s %s --node %s traces it now", lab.Namespace, lab.Name, p.Name, p.Node)
}
