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

func True(reason, message string) v1alpha1.Finding {
	return v1alpha1.Finding{Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

func False(reason, message string) v1alpha1.Finding {
	return v1alpha1.Finding{Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

func Unknown(reason, message string) v1alpha1.Finding {
	return v1alpha1.Finding{Status: metav1.ConditionUnknown, Reason: reason, Message: message}
}

func Valid() v1alpha1.Finding {
	return True(v1alpha1.ReasonValid, "the spec can be built")
}

// invalidVerdict is the same from controller and agent: both ask the same pure function.
func invalidVerdict(problems lab.Problems) Conditions {
	notAccepted := Unknown(v1alpha1.ReasonNotAccepted, "the spec is invalid; what an older one built stays as it is")
	return Conditions{
		Accepted:  False(v1alpha1.ReasonInvalidSpec, listed(problems)),
		Realized:  notAccepted,
		Reachable: notAccepted,
	}
}

func suspendedVerdict() Conditions {
	suspended := Unknown(v1alpha1.ReasonSuspended, "spec.suspend is true: the lab is left as it is and not probed")
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

// Shorten shortens a text to so many bytes, between two characters.
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

// maxNoteBytes is what the API server takes.
const maxNoteBytes = 1024

func Note(message string) string { return Shorten(message, maxNoteBytes) }
