// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Inspection is what is known of a lab on one machine after one attempt to build, correct or compare it.
type Inspection struct {
	NetLab *v1alpha1.NetLab
	// Problems make the spec invalid.
	Problems lab.Problems
	// OverLimit names the limit of the agent that the lab would exceed, if there is one.
	OverLimit string
	// Failure is how the attempt failed, and Err why. Both are zero after a complete attempt.
	Failure Failure
	Err     error
	// Conflicts are names the lab needs that belong to objects NetLab did not create.
	Conflicts []state.Conflict
	// Left are the operations that would make the kernel match the spec.
	Left []state.Op
	// CompareOnly: the attempt changed nothing, so what is left is drift. It is set for a realized
	// generation under driftPolicy Report, and by the command line's status.
	CompareOnly bool
	// Interrupted: the attempt ended between two operations and goes on soon.
	Interrupted bool
	// NotBuilt: no network namespace of the lab exists and no agent will create one. Only the command
	// line sets it.
	NotBuilt bool
	// Probes are in the order of the compiled lab.
	Probes []ProbeResult
}

// Failure is how an attempt failed.
type Failure uint8

// The failures.
const (
	NoFailure         Failure = iota
	ObservationFailed         // the kernel's state could not be read
	FeatureMissing            // the kernel lacks a feature
	OperationFailed           // anything else: the kernel refused an operation, or the lab is locked
)

// FailureOf classifies the error of an attempt.
func FailureOf(err error, observing, featureMissing bool) Failure {
	switch {
	case err == nil:
		return NoFailure
	case observing:
		return ObservationFailed
	case featureMissing:
		return FeatureMissing
	}
	return OperationFailed
}

// Conditions are those of the lab on this machine.
//
//	situation                              Accepted           Realized                    Reachable
//	problems in the spec                   False/InvalidSpec  Unknown/NotAccepted         Unknown/NotAccepted
//	suspended                              True               Unknown/Suspended           Unknown/Suspended
//	a limit of the agent is exceeded       True               False/LimitExceeded         Unknown/NotRealized
//	the kernel could not be read           True               Unknown/ObservationFailed   Unknown/NotRealized
//	the kernel lacks a feature             True               False/KernelFeatureMissing  Unknown/NotRealized
//	an operation failed                    True               False/KernelError           Unknown/NotRealized
//	names are taken                        True               False/Conflict              Unknown/NotRealized
//	matches the spec                       True               True/Realized               as probed
//	interrupted between two operations     True               False/Progressing           Unknown/NotRealized
//	not built, and no agent builds it      True               False/Drifted               Unknown/NotRealized
//	differences after comparing only       True               False/Drifted               as probed
//	differences after corrections          True               False/KernelError           Unknown/NotRealized
//
// As probed: a failing probe beats one that could not be sent, and that beats one without a result
// yet. The first of them in order gives reason and message.
//
//	a probe fails                          False/<cause>
//	a probe could not be sent              Unknown/ProbeError
//	a probe has no result yet              Unknown/Pending, Unknown/SpanningTree while one converges
//	every probe has its expected outcome   True/AllProbesPass
//	the lab has no probes                  True/NoProbes
func (i Inspection) Conditions() Conditions {
	switch {
	case len(i.Problems) > 0:
		return invalid(i.Problems)
	case i.NetLab.Spec.Suspend:
		return suspended()
	}
	return Conditions{Accepted: Valid(), Realized: i.realized(), Reachable: i.reachable()}
}

func (i Inspection) realized() v1alpha1.Finding {
	switch {
	case i.OverLimit != "":
		return False(v1alpha1.ReasonLimitExceeded, i.OverLimit)
	case i.Failure != NoFailure:
		return i.failed()
	case len(i.Conflicts) > 0:
		return False(v1alpha1.ReasonConflict, i.conflicts())
	case len(i.Left) == 0:
		return True(v1alpha1.ReasonRealized, matchesSpec)
	case i.Interrupted:
		return False(v1alpha1.ReasonProgressing, "the lab is large; the node builds it in turns with those of other namespaces")
	case i.NotBuilt:
		return False(v1alpha1.ReasonDrifted, "no network namespace of the lab exists on this machine; up -f builds it")
	case i.CompareOnly:
		return False(v1alpha1.ReasonDrifted, i.drifted())
	}
	return False(v1alpha1.ReasonKernelError, shortened(fmt.Sprintf(
		"the kernel still differs from the spec after repeated corrections, another program may be changing it; next correction: %s", i.Left[0])))
}

func (i Inspection) failed() v1alpha1.Finding {
	message := shortened(i.Err.Error())
	switch i.Failure {
	case ObservationFailed:
		return Unknown(v1alpha1.ReasonObservationFailed, message)
	case FeatureMissing:
		return False(v1alpha1.ReasonKernelFeatureMissing, message)
	default:
		return False(v1alpha1.ReasonKernelError, message)
	}
}

// Probing reports whether probes run: the lab matches the spec, or its differences are left alone.
func (i Inspection) Probing() bool {
	if len(i.Problems) > 0 || i.NetLab.Spec.Suspend || i.OverLimit != "" || i.Failure != NoFailure || len(i.Conflicts) > 0 {
		return false
	}
	return len(i.Left) == 0 || i.CompareOnly && !i.NotBuilt
}

func (i Inspection) conflicts() string {
	var list []string
	for _, c := range i.Conflicts[:min(len(i.Conflicts), maxConflictsListed)] {
		list = append(list, c.String())
	}
	if more := len(i.Conflicts) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return shortened(strings.Join(list, "; ") + "; remove what is there or rename the lab")
}

func (i Inspection) drifted() string {
	if len(i.Left) == 1 {
		return shortened("1 difference from the spec; to correct it: " + i.Left[0].String())
	}
	return shortened(fmt.Sprintf("%d differences from the spec; the first correction: %s", len(i.Left), i.Left[0]))
}

// reachable implements the second table of Conditions.
func (i Inspection) reachable() v1alpha1.Finding {
	if !i.Probing() {
		return notRealized()
	}
	for _, outcome := range []ProbeOutcome{ProbeFails, ProbeNotSent, ProbePending} {
		is := func(p ProbeResult) bool { return p.Outcome == outcome }
		if first := slices.IndexFunc(i.Probes, is); first >= 0 {
			return i.Probes[first].condition(len(i.failingProbes()) - 1)
		}
	}
	if len(i.Probes) == 0 {
		return noProbes(i.NetLab)
	}
	return allProbesPass()
}

// Report is what an agent writes about the lab.
func Report(i Inspection) v1alpha1.LabReport {
	conditions := i.Conditions()
	report := v1alpha1.LabReport{
		Namespace:          i.NetLab.Namespace,
		Name:               i.NetLab.Name,
		UID:                i.NetLab.UID,
		ObservedGeneration: i.NetLab.Generation,
	}
	conditions.WriteInto(&report)
	if conditions.Realized.Reason == v1alpha1.ReasonDrifted {
		report.Drift = i.corrections()
		report.DriftOmitted = int32(len(i.Left) - len(report.Drift))
	}
	if i.Probing() {
		report.FailingProbes = i.failingProbes()
	}
	return report
}

// maxDriftReported is how many differences a report lists.
const maxDriftReported = 8

// corrections are the operations left, as commands of iproute2.
func (i Inspection) corrections() []string {
	var list []string
	for _, op := range i.Left[:min(len(i.Left), maxDriftReported)] {
		list = append(list, shortened(op.String()))
	}
	return list
}

func (i Inspection) failingProbes() []v1alpha1.ProbeReport {
	var list []v1alpha1.ProbeReport
	for _, p := range i.Probes {
		if f := p.Finding(); f.Status == metav1.ConditionFalse {
			list = append(list, v1alpha1.ProbeReport{
				Name: p.Name, Family: p.Family, Reason: f.Reason, Message: shortened(p.withFix(f.Message)),
			})
		}
	}
	return list
}
