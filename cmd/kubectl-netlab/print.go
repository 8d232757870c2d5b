// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// printUp prints the number of changes, the result of every probe, and whether the lab is Ready.
func (a *app) printUp(s *local.Status) {
	done := "nothing to change"
	switch changes := len(s.Applied); {
	case changes == 1:
		done = "1 change made"
	case changes > 1:
		done = fmt.Sprintf("%d changes made", changes)
	case s.Condition(v1alpha1.ConditionRealized).Status != metav1.ConditionTrue:
		done = "nothing was changed"
	}
	fmt.Fprintf(a.out, "%s/%s: %s\n", s.Namespace, s.Name, done)
	a.printProblems(s)
	for _, p := range s.Probes {
		a.printProbe(p)
	}
	a.printReady(s)
}

// printStatus prints everything about one lab.
func (a *app) printStatus(s *local.Status) {
	a.printReady(s)
	a.printProblems(s)
	fmt.Fprintln(a.out)
	a.printNodes(s)
	if len(s.Probes) > 0 {
		fmt.Fprintln(a.out)
	}
	for _, p := range s.Probes {
		a.printProbe(p)
	}
}

func (a *app) printReady(s *local.Status) {
	c := s.Condition(v1alpha1.ConditionReady)
	mark := a.mark(c.Status)
	if c.Status == metav1.ConditionTrue {
		fmt.Fprintf(a.out, "%s %s/%s is Ready: %s\n", mark, s.Namespace, s.Name, c.Message)
		return
	}
	fmt.Fprintf(a.out, "%s %s/%s is not Ready: %s\n", mark, s.Namespace, s.Name, c.Reason)
}

// printProblems shows why the lab is not there as described.
func (a *app) printProblems(s *local.Status) {
	if c := s.Condition(v1alpha1.ConditionRealized); c.Status != metav1.ConditionTrue {
		fmt.Fprintf(a.out, "%s %s: %s\n", a.mark(c.Status), c.Reason, c.Message)
	}
	for _, object := range s.Unmanaged {
		fmt.Fprintf(a.out, "  not created by NetLab, left alone: %s\n", object)
	}
}

func (a *app) mark(status metav1.ConditionStatus) string {
	switch status {
	case metav1.ConditionTrue:
		return a.terminal.colour(green, "✓")
	case metav1.ConditionFalse:
		return a.terminal.colour(red, "✗")
	default:
		return a.terminal.colour(yellow, "?")
	}
}

func (a *app) printProbe(p local.Probe) {
	status := metav1.ConditionFalse
	switch {
	case p.Passed():
		status = metav1.ConditionTrue
	case p.Verdict == probe.Unknown.String():
		status = metav1.ConditionUnknown
	}
	fmt.Fprintf(a.out, "%s %s (%s) %s\n", a.mark(status), p.Name, p.Family, answer(p))
	if p.Fix != "" {
		fmt.Fprintf(a.out, "  fix: %s\n", p.Fix)
	}
}

// answer is the result of a probe.
func answer(p local.Probe) string {
	switch {
	case !p.Passed():
		return fmt.Sprintf("%s: %s", p.Reason, p.Message)
	case p.Expect == v1alpha1.ExpectUnreachable:
		return fmt.Sprintf("%s does not answer, as expected", p.Address)
	}
	return fmt.Sprintf("%s answers in %s", p.Address, milliseconds(p.RTT()))
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.3f ms", float64(d)/float64(time.Millisecond))
}

func (a *app) printNodes(s *local.Status) {
	a.table(func(w io.Writer) {
		fmt.Fprintln(w, "NODE\tINTERFACE\tSTATE\tPEER\tADDRESSES"+queueColumn(s.Nodes, func(n local.Node) []local.Interface { return n.Interfaces }))
		for _, n := range s.Nodes {
			if !n.Present {
				fmt.Fprintf(w, "%s\t\tMissing\t\t\n", n.Name)
			}
			for _, i := range n.Interfaces {
				row := []string{n.Name, i.Name, i.State, i.Peer, strings.Join(routable(i.Addresses), " ")}
				if i.Queue != "" {
					row = append(row, i.Queue)
				}
				fmt.Fprintln(w, strings.Join(row, "\t"))
			}
		}
	})
}

// queueColumn is the heading of a column that only labs with impairments have.
func queueColumn[N any](nodes []N, interfaces func(N) []local.Interface) string {
	for _, n := range nodes {
		if slices.ContainsFunc(interfaces(n), func(i local.Interface) bool { return i.Queue != "" }) {
			return "\tQDISC"
		}
	}
	return ""
}

// routable leaves out link-local addresses, which every IPv6 interface has.
func routable(addresses []string) []string {
	var list []string
	for _, address := range addresses {
		if !strings.HasPrefix(address, "fe80:") {
			list = append(list, address)
		}
	}
	return list
}

func (a *app) printList(labs []*local.Status) {
	if len(labs) == 0 {
		fmt.Fprintln(a.terminal.err, "no local labs on this machine")
		return
	}
	a.table(func(w io.Writer) {
		fmt.Fprintln(w, "NAMESPACE\tNAME\tREADY\tREASON\tNODES")
		for _, s := range labs {
			c := s.Condition(v1alpha1.ConditionReady)
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", s.Namespace, s.Name, c.Status, c.Reason, len(s.Nodes))
		}
	})
}

func (a *app) table(fill func(w io.Writer)) {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fill(w)
	_ = w.Flush()
}
