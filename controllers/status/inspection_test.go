// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
	. "github.com/netlab-dev/netlab/controllers/status"
	"github.com/netlab-dev/netlab/controllers/status/statustest"
)

func TestEveryRowOfTheInspectionTables(t *testing.T) {
	for _, row := range statustest.Cases() {
		t.Run(row.Name, func(t *testing.T) {
			c := row.Inspection.Conditions()
			var got []string
			for _, f := range []v1alpha1.Finding{c.Accepted, c.Realized, c.Reachable, c.Ready()} {
				got = append(got, fmt.Sprintf("%s/%s", f.Status, f.Reason))
			}
			if strings.Join(got, " ") != row.Conditions {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " "), row.Conditions)
			}
			if got := c.Ready().Message; got != row.Message {
				t.Errorf("Ready's message is\n%s, want\n%s", got, row.Message)
			}
		})
	}
}

// An agent sends its whole report whenever one lab changes: a lab that is ready takes one word.
func TestAReportReadsBackAsItWasWritten(t *testing.T) {
	for _, row := range statustest.Cases() {
		report := Report(row.Inspection)
		c := row.Inspection.Conditions()
		for _, f := range []*v1alpha1.Finding{&c.Accepted, &c.Realized, &c.Reachable} {
			if f.Status == "True" {
				f.Message = ""
			}
		}
		if got := ConditionsIn(&report); got != c || !HasConditions(&report) {
			t.Errorf("%s: read %+v, want %+v", row.Name, got, c)
		}
		if ready := c.Ready().Status == "True"; (report.Ready != "") != ready || (report.Findings == nil) != ready {
			t.Errorf("%s: Ready is %q, findings are %+v", row.Name, report.Ready, report.Findings)
		}
	}
}

func TestWriteIntoReplacesWhatTheReportHeld(t *testing.T) {
	report := v1alpha1.LabReport{Ready: "NoProbes"}
	statustest.Named("suspended").Conditions().WriteInto(&report)
	if report.Ready != "" || report.Findings == nil {
		t.Errorf("not ready: %+v", report)
	}
	statustest.Named("the lab has no probes").Conditions().WriteInto(&report)
	if report.Ready != "NoProbes" || report.Findings != nil {
		t.Errorf("ready: %+v", report)
	}
}

func TestAReportListsEightDifferencesAtMost(t *testing.T) {
	var left []state.Op
	for i := range 20 {
		left = append(left, state.DeleteSymlink{Name: fmt.Sprint(i)})
	}
	report := Report(Inspection{NetLab: labtest.StoredPair(), CompareOnly: true, Left: left})
	if len(report.Drift) != 8 || report.Drift[0] != "rm /run/netns/0" || !strings.HasPrefix(report.Findings.Realized.Message, "20 differences") {
		t.Errorf("got %q: %q", report.Findings.Realized.Message, report.Drift)
	}
}

func TestFailingProbesAreReportedOnlyWhileProbesRun(t *testing.T) {
	i := statustest.Named("a probe fails")
	if got := Report(i).FailingProbes; len(got) != 1 || got[0].Reason != "ForwardingDisabled" || !strings.Contains(got[0].Message, "; fix: in the spec") {
		t.Errorf("realized: %+v", got)
	}
	i.Left = statustest.Named("differences after corrections").Left
	if got := Report(i).FailingProbes; len(got) != 0 {
		t.Errorf("not realized: %+v", got)
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
	if got := (Inspection{Problems: problems}).Conditions().Accepted.Message; len(got) > 2048+50 || !strings.HasSuffix(got, "and 12 more problems") {
		t.Errorf("%d bytes, ending %q", len(got), got[len(got)-30:])
	}
}

func TestFailures(t *testing.T) {
	err := fmt.Errorf("x")
	for want, got := range map[Failure]Failure{
		NoFailure: FailureOf(nil, false, false), ObservationFailed: FailureOf(err, true, true),
		FeatureMissing: FailureOf(err, false, true), OperationFailed: FailureOf(err, false, false),
	} {
		if got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}
