// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// ProbeResult is what is known of one probe in one family.
type ProbeResult struct {
	lab.Probe
	Outcome ProbeOutcome
	// Cause has reason and message of the diagnosed cause of a failure. Without a reason the cause is
	// unknown.
	Cause v1alpha1.Finding
	// Fix says how to remove the cause.
	Fix string
	// Error says why the probe could not be sent, or why the cause of its failure is unknown.
	Error string
}

// ProbeOutcome is how a probe stands.
type ProbeOutcome uint8

// The outcomes.
const (
	ProbePending ProbeOutcome = iota // no result yet
	ProbePasses                      // the outcome is the expected one
	ProbeFails                       // it is not
	ProbeNotSent                     // the last attempt says nothing about the path
)

// Finding has the status, reason and message of the probe, without the fix.
func (p ProbeResult) Finding() v1alpha1.Finding {
	switch p.Outcome {
	case ProbePasses:
		return True("", "")
	case ProbeFails:
		return p.failure()
	case ProbeNotSent:
		return Unknown(v1alpha1.ReasonProbeError, p.Error)
	case ProbePending:
		return p.pending()
	}
	return v1alpha1.Finding{}
}

// pending has the reason to wait, if there is one.
func (p ProbeResult) pending() v1alpha1.Finding {
	if p.Cause.Reason != "" {
		return Unknown(p.Cause.Reason, "waiting: "+p.Cause.Message)
	}
	return Unknown(v1alpha1.ReasonPending, "waiting for the first result")
}

func (p ProbeResult) failure() v1alpha1.Finding {
	switch {
	case p.Cause.Reason != "":
		return False(p.Cause.Reason, p.Cause.Message)
	case p.Expect == v1alpha1.ExpectUnreachable:
		return False(v1alpha1.ReasonUnexpectedReply, p.unexplained("a reply"))
	}
	return False(v1alpha1.ReasonNoReply, p.unexplained("no reply"))
}

func (p ProbeResult) unexplained(got string) string {
	message := fmt.Sprintf("%s gets %s from %s; the cause is unknown", p.From, got, p.To)
	if p.Error != "" {
		message += ": " + p.Error
	}
	return message
}

// condition is the Reachable condition for which this probe decides; moreFailing is how many others fail.
func (p ProbeResult) condition(moreFailing int) v1alpha1.Finding {
	f := p.Finding()
	f.Message = fmt.Sprintf("probe %s (%s): %s", p.Name, p.Family, shortened(p.withFix(f.Message)))
	if f.Status == metav1.ConditionFalse && moreFailing > 0 {
		f.Message += fmt.Sprintf(" (and %s)", CountOf(moreFailing, "more failing probe"))
	}
	return f
}

func (p ProbeResult) withFix(message string) string {
	if p.Outcome != ProbeFails || p.Fix == "" {
		return message
	}
	return message + "; " + p.Fix
}
