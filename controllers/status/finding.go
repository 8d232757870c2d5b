// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"strings"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// Limits of what a message holds.
const (
	maxMessageBytes    = 2048
	maxProblemsListed  = 8
	maxConflictsListed = 3
)

// True returns a finding of that status.
func True(reason, message string) v1alpha1.Finding {
	return v1alpha1.Finding{Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

// False returns a finding of that status.
func False(reason, message string) v1alpha1.Finding {
	return v1alpha1.Finding{Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

// Unknown returns a finding of that status.
func Unknown(reason, message string) v1alpha1.Finding {
	return v1alpha1.Finding{Status: metav1.ConditionUnknown, Reason: reason, Message: message}
}

func isTrue(f v1alpha1.Finding) bool { return f.Status == metav1.ConditionTrue }

// Valid is Accepted of a spec without problems.
func Valid() v1alpha1.Finding { return True(v1alpha1.ReasonValid, "the spec is valid") }

// matchesSpec is the message of Realized/True; Summarize appends the nodes.
const matchesSpec = "the lab matches the spec"

func notRealized() v1alpha1.Finding {
	return Unknown(v1alpha1.ReasonNotRealized, "probes run only while the lab is realized")
}

// noProbes says of a lab without nodes that there is nothing to probe: its spec is probably not what was meant.
func noProbes(netlab *v1alpha1.NetLab) v1alpha1.Finding {
	if len(lab.NodeNames(&netlab.Spec)) == 0 {
		return True(v1alpha1.ReasonNoProbes, "the lab has no nodes")
	}
	return True(v1alpha1.ReasonNoProbes, "the lab has no probes")
}

func allProbesPass() v1alpha1.Finding {
	return True(v1alpha1.ReasonAllProbesPass, "every probe has its expected outcome")
}

// invalid is the same from agent and controller: both validate with package lab.
func invalid(problems lab.Problems) Conditions {
	notAccepted := Unknown(v1alpha1.ReasonNotAccepted, "the spec is invalid; what NetLab built for an earlier generation stays")
	return Conditions{
		Accepted:  False(v1alpha1.ReasonInvalidSpec, listed(problems)),
		Realized:  notAccepted,
		Reachable: notAccepted,
	}
}

func suspended() Conditions {
	suspended := Unknown(v1alpha1.ReasonSuspended, "spec.suspend is true; NetLab does not change or probe the lab")
	return Conditions{Accepted: Valid(), Realized: suspended, Reachable: suspended}
}

func listed(problems lab.Problems) string {
	if len(problems) <= maxProblemsListed {
		return shortened(problems.Error())
	}
	more := fmt.Sprintf("\nand %s", CountOf(len(problems)-maxProblemsListed, "more problem"))
	return shortened(problems[:maxProblemsListed].Error()) + more
}

func shortened(message string) string { return Shorten(message, maxMessageBytes) }

// Shorten truncates text to limit bytes, between two characters.
func Shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit - len("…")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.TrimSpace(text[:end]) + "…"
}

// maxNoteBytes is the API server's limit for the note of a Kubernetes Event.
const maxNoteBytes = 1024

// Note shortens a message to the note of a Kubernetes Event.
func Note(message string) string { return Shorten(message, maxNoteBytes) }

// CountOf is a number with its noun: 1 node, 2 nodes.
func CountOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
