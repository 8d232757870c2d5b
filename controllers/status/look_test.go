// SPDX-License-Identifier: Apache-2.0

package status

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

func TestReportSaysWhatTheTableSays(t *testing.T) {
	left := []state.Op{state.DeleteSymlink{Name: "x"}, state.DeleteSymlink{Name: "y"}}
	taken := state.Observation{Conflicts: []state.Conflict{{Name: "/run/netlab/netns/x", Found: "a directory"}}}
	for _, situation := range []struct {
		name string
		view Look
		want string
		// message is in the first finding that is not True.
		message string
	}{
		{"problems in the spec", Look{Problems: lab.Problems{{Field: "spec.x", Message: "is wrong", Fix: "right it"}}},
			"False/InvalidSpec Unknown/NotAccepted Unknown/NotAccepted", "spec.x: is wrong; right it"},
		{"a limit of the agent", Look{OverLimit: "this node may carry 1 lab (--max-labs)"},
			"True/Valid False/LimitExceeded Unknown/NotRealized", "--max-labs"},
		{"the kernel could not be read", Look{Err: fmt.Errorf("%w default/x: interrupted", converge.ErrObserve)},
			"True/Valid Unknown/ObservationFailed Unknown/NotRealized", "interrupted"},
		{"the kernel lacks a feature", Look{Err: errors.New("no veth"), FeatureMissing: true},
			"True/Valid False/KernelFeatureMissing Unknown/NotRealized", "no veth"},
		{"the kernel refused an operation", Look{Err: errors.New("ip link add: no space left")},
			"True/Valid False/KernelError Unknown/NotRealized", "ip link add: no space left"},
		{"names are taken", Look{Outcome: converge.Outcome{Left: left, Observation: taken}},
			"True/Valid False/Conflict Unknown/NotRealized", "/run/netlab/netns/x is taken: a directory"},
		{"names are taken, under driftPolicy Report", Look{OnlyReport: true, Outcome: converge.Outcome{Left: left, Observation: taken}},
			"True/Valid False/Conflict Unknown/NotRealized", "is taken"},
		{"differences, and only to be reported", Look{OnlyReport: true, Outcome: converge.Outcome{Left: left}},
			"True/Valid False/Drifted True/NoProbes", "2 differences under driftPolicy Report; to be as described: rm /run/netns/x"},
		{"differences after three rounds", Look{Outcome: converge.Outcome{Left: left}},
			"True/Valid False/KernelError Unknown/NotRealized", "still differs after 3 rounds"},
		{"as described, no probes", Look{},
			"True/Valid True/Realized True/NoProbes", ""},
		{"as described, all pass", Look{Probes: []ProbeResult{asked(probe.Pass, probe.Reply)}},
			"True/Valid True/Realized True/AllProbesPass", ""},
		{"one verdict is open", Look{Probes: []ProbeResult{asked(probe.Pass, probe.Reply), asked(probe.Unknown, probe.NoReply)}},
			"True/Valid True/Realized Unknown/Pending", "waiting for the first verdict of probe ns1-ns2 (IPv4)"},
		{"one could not ask", Look{Probes: []ProbeResult{asked(probe.Unknown, probe.NotAsked), asked(probe.Unknown, probe.NoBuffer)}},
			"True/Valid True/Realized Unknown/ProbeError", "NoBuffer"},
		{"two fail, one is open", Look{Probes: []ProbeResult{asked(probe.Unknown, probe.NotAsked), failed("NoReturnRoute"), failed("NoReply")}},
			"True/Valid True/Realized False/NoReturnRoute", "probe ns1-ns2 (IPv4): because of NoReturnRoute (and 1 more failing probe)"},
	} {
		t.Run(situation.name, func(t *testing.T) {
			situation.view.NetLab = labtest.StoredPair()
			report := Report(situation.view)
			said := ConditionsIn(&report)
			var seen, messages []string
			for _, f := range []v1alpha1.Finding{said.Accepted, said.Realized, said.Reachable} {
				seen = append(seen, fmt.Sprintf("%s/%s", f.Status, f.Reason))
				if f.Status != "True" {
					messages = append(messages, f.Message)
				}
			}
			if got := strings.Join(seen, " "); got != situation.want {
				t.Errorf("got  %s\nwant %s", got, situation.want)
			}
			if len(messages) > 0 && !strings.Contains(messages[0], situation.message) {
				t.Errorf("the message is %q, want %q in it", messages[0], situation.message)
			}
		})
	}
}

// A report is sent whole whenever one of its labs has news: a lab that is ready takes one word, any
// other says everything, and who reads it finds what was written.
func TestAReadyLabIsReportedInOneWord(t *testing.T) {
	for name, said := range map[string]Conditions{
		"AllProbesPass": {Valid(), True("Realized", "as described"), True("AllProbesPass", "every probe has the expected outcome")},
		"NoProbes":      {Valid(), True("Realized", "as described"), True("NoProbes", "the lab has no probes")},
		"refused":       {False("InvalidSpec", "x"), Unknown("NotAccepted", "y"), Unknown("NotAccepted", "y")},
		"drifted":       {Valid(), False("Drifted", "1 difference"), True("AllProbesPass", "")},
		"open":          {Valid(), True("Realized", "as described"), Unknown("Pending", "z")},
	} {
		report := v1alpha1.LabReport{Ready: "of earlier", Findings: &v1alpha1.Findings{}}
		said.WriteInto(&report)
		if ready := report.Ready != ""; ready != said.positive() || ready == (report.Findings != nil) || ready && report.Ready != name {
			t.Errorf("%s: %+v", name, report)
		}
		if want := (Conditions{brief(said.Accepted), brief(said.Realized), brief(said.Reachable)}); ConditionsIn(&report) != want {
			t.Errorf("%s: read %+v, want %+v", name, ConditionsIn(&report), want)
		}
	}
}

func TestASuspendedLabIsReportedAsSuspended(t *testing.T) {
	lab := labtest.StoredPair()
	lab.Spec.Suspend = true
	found := Report(Look{NetLab: lab}).Findings
	if found == nil || found.Accepted.Status != "True" || found.Realized.Reason != "Suspended" || found.Reachable.Reason != "Suspended" {
		t.Errorf("got %+v", found)
	}
}

func TestAReportListsEightDifferencesAtMost(t *testing.T) {
	var left []state.Op
	for i := range 20 {
		left = append(left, state.DeleteSymlink{Name: fmt.Sprint(i)})
	}
	report := Report(Look{NetLab: labtest.StoredPair(), OnlyReport: true, Outcome: converge.Outcome{Left: left}})
	if len(report.Drift) != 8 || report.Drift[0] != "rm /run/netns/0" || !strings.HasPrefix(report.Findings.Realized.Message, "20 differences") {
		t.Errorf("got %q: %q", report.Findings.Realized.Message, report.Drift)
	}
}

func TestLongMessagesAreCutBetweenCharacters(t *testing.T) {
	if got := Shorten("ääää", 7); got != "ää…" {
		t.Errorf("got %q", got)
	}
	var problems lab.Problems
	for range 20 {
		problems = append(problems, lab.Problem{Field: "spec", Message: strings.Repeat("x", 1000)})
	}
	if got := listed(problems); len(got) > maxMessageBytes+50 || !strings.HasSuffix(got, "and 12 more problems") {
		t.Errorf("%d bytes, ending %q", len(got), got[len(got)-30:])
	}
}

func asked(verdict probe.Verdict, outcome probe.Outcome) ProbeResult {
	return ProbeResult{
		Probe:  lab.Probe{Name: "ns1-ns2", Family: v1alpha1.IPv4},
		Result: probe.Result{Verdict: verdict, Outcome: outcome, Err: outcome.String()},
	}
}

func failed(reason string) ProbeResult {
	p := asked(probe.Fail, probe.NoReply)
	p.Cause = False(reason, "because of "+reason)
	return p
}
