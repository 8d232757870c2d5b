// SPDX-License-Identifier: Apache-2.0

package controllers

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

func confirmed(reason, message string) v1alpha1.Finding {
	return v1alpha1.Finding{Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

func refuted(reason, message string) v1alpha1.Finding {
	return v1alpha1.Finding{Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

func unknown(reason, message string) v1alpha1.Finding {
	return v1alpha1.Finding{Status: metav1.ConditionUnknown, Reason: reason, Message: message}
}

func validFinding() v1alpha1.Finding {
	return confirmed(v1alpha1.ReasonValid, "the spec can be built")
}

// invalidVerdict is the same from controller and agent: both ask the same pure function.
func invalidVerdict(problems lab.Problems) verdict {
	notAccepted := unknown(v1alpha1.ReasonNotAccepted, "the spec is invalid; what an older one built stays as it is")
	return verdict{
		accepted:  refuted(v1alpha1.ReasonInvalidSpec, listed(problems)),
		realized:  notAccepted,
		reachable: notAccepted,
	}
}

func suspendedVerdict() verdict {
	suspended := unknown(v1alpha1.ReasonSuspended, "spec.suspend is true: the lab is left as it is and not probed")
	return verdict{accepted: validFinding(), realized: suspended, reachable: suspended}
}

func listed(problems lab.Problems) string {
	if len(problems) <= maxProblemsListed {
		return shortened(problems.Error())
	}
	more := fmt.Sprintf("\nand %s", countOf(len(problems)-maxProblemsListed, "more problem"))
	return shortened(problems[:maxProblemsListed].Error()) + more
}

func shortened(message string) string { return cut(message, maxMessageBytes) }

// cut shortens a text to so many bytes, between two characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit - len("…")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.TrimSpace(text[:end]) + "…"
}

// maxNoteBytes is what the API server takes.
const maxNoteBytes = 1024

func note(message string) string { return cut(message, maxNoteBytes) }
