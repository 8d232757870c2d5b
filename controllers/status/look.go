// SPDX-License-Identifier: Apache-2.0

package status

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// maxDriftReported is how many differences a report lists.
const maxDriftReported = 8

// Look is what one look at a lab on this node found.
type Look struct {
	NetLab *v1alpha1.NetLab
	// problems keep the spec from being built.
	Problems lab.Problems
	// overLimit says which limit of this agent the lab would exceed.
	OverLimit string
	// outcome is what the kernel holds, and err what went wrong on the way.
	Outcome converge.Outcome
	Err     error
	// featureMissing: err says that this kernel lacks something.
	FeatureMissing bool
	// onlyReport: this generation was realized before, and driftPolicy is Report.
	OnlyReport bool
	// probes are in stored order.
	Probes []ProbeResult
}

// ProbeResult is what is known of one probe.
type ProbeResult struct {
	lab.Probe
	Result probe.Result
	// cause is why it fails.
	Cause v1alpha1.Finding
}

// Report says what a view means. It is pure.
//
//	situation                              Accepted           Realized                    Reachable
//	problems in the spec                   False/InvalidSpec  Unknown/NotAccepted         Unknown/NotAccepted
//	suspended                              True               Unknown/Suspended           Unknown/Suspended
//	a limit of the agent is exceeded       True               False/LimitExceeded         Unknown/NotRealized
//	the kernel could not be read           True               Unknown/ObservationFailed   Unknown/NotRealized
//	the kernel lacks a feature             True               False/KernelFeatureMissing  Unknown/NotRealized
//	the kernel refused an operation        True               False/KernelError           Unknown/NotRealized
//	names are taken                        True               False/Conflict              Unknown/NotRealized
//	differences, and only to be reported   True               False/Drifted               as probed
//	differences after three rounds         True               False/KernelError           Unknown/NotRealized
//	as described                           True               True/Realized               as probed
func Report(v Look) v1alpha1.LabReport {
	said := v.Conditions()
	report := v1alpha1.LabReport{
		Namespace:          v.NetLab.Namespace,
		Name:               v.NetLab.Name,
		UID:                v.NetLab.UID,
		ObservedGeneration: v.NetLab.Generation,
	}
	said.WriteInto(&report)
	if said.Realized.Reason == v1alpha1.ReasonDrifted {
		report.Drift = v.drift()
	}
	if v.Probing() {
		report.FailingProbes = v.failingProbes()
	}
	return report
}

func (v Look) Conditions() Conditions {
	switch {
	case len(v.Problems) > 0:
		return invalidVerdict(v.Problems)
	case v.NetLab.Spec.Suspend:
		return suspendedVerdict()
	}
	return Conditions{Accepted: Valid(), Realized: v.realized(), Reachable: v.reachable()}
}

func (v Look) realized() v1alpha1.Finding {
	switch {
	case v.OverLimit != "":
		return False(v1alpha1.ReasonLimitExceeded, v.OverLimit)
	case errors.Is(v.Err, converge.ErrObserve):
		return Unknown(v1alpha1.ReasonObservationFailed, shortened(v.Err.Error()))
	case v.FeatureMissing:
		return False(v1alpha1.ReasonKernelFeatureMissing, shortened(v.Err.Error()))
	case v.Err != nil:
		return False(v1alpha1.ReasonKernelError, shortened(v.Err.Error()))
	case len(v.Outcome.Conflicts) > 0:
		return False(v1alpha1.ReasonConflict, v.conflicts())
	case len(v.Outcome.Left) == 0:
		return True(v1alpha1.ReasonRealized, "as described")
	case v.OnlyReport:
		return False(v1alpha1.ReasonDrifted, v.drifted())
	}
	return False(v1alpha1.ReasonKernelError, v.restless())
}

// Probing reports whether probes run: the lab is as described, or its differences are left alone.
func (v Look) Probing() bool {
	if len(v.Problems) > 0 || v.NetLab.Spec.Suspend || v.OverLimit != "" || v.Err != nil {
		return false
	}
	return v.Outcome.Realized() || v.OnlyReport && len(v.Outcome.Conflicts) == 0
}

func (v Look) conflicts() string {
	var b strings.Builder
	for i, c := range v.Outcome.Conflicts {
		if i == maxConflictsListed {
			fmt.Fprintf(&b, "; and %d more", len(v.Outcome.Conflicts)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(c.String())
	}
	b.WriteString("; remove what is there or rename the lab")
	return shortened(b.String())
}

func (v Look) drifted() string {
	return shortened(fmt.Sprintf("%s under driftPolicy Report; to be as described: %s",
		CountOf(len(v.Outcome.Left), "difference"), v.Outcome.Left[0]))
}

func (v Look) restless() string {
	return shortened(fmt.Sprintf("still differs after %d rounds, something else may be changing it; left to do: %s",
		converge.MaxRounds, v.Outcome.Left[0]))
}

// drift is what would have to be done, as ip commands.
func (v Look) drift() []string {
	var list []string
	for _, op := range v.Outcome.Left[:min(len(v.Outcome.Left), maxDriftReported)] {
		list = append(list, shortened(op.String()))
	}
	return list
}

// reachable folds the probes: False beats Unknown beats True, and the first in stored order
// speaks for those that are equally bad.
func (v Look) reachable() v1alpha1.Finding {
	if !v.Probing() {
		return Unknown(v1alpha1.ReasonNotRealized, "probes run only while the lab is realized")
	}
	if failing := v.failingProbes(); len(failing) > 0 {
		first := failing[0]
		message := fmt.Sprintf("probe %s (%s): %s", first.Name, first.Family, first.Message)
		if more := len(failing) - 1; more > 0 {
			message += fmt.Sprintf(" (and %s)", CountOf(more, "more failing probe"))
		}
		return False(first.Reason, message)
	}
	if i := slices.IndexFunc(v.Probes, ProbeResult.couldNotAsk); i >= 0 {
		p := v.Probes[i]
		return Unknown(v1alpha1.ReasonProbeError, fmt.Sprintf("probe %s (%s): %s", p.Name, p.Family, p.Result.Err))
	}
	if i := slices.IndexFunc(v.Probes, ProbeResult.open); i >= 0 {
		p := v.Probes[i]
		return Unknown(v1alpha1.ReasonPending, fmt.Sprintf("waiting for the first verdict of probe %s (%s)", p.Name, p.Family))
	}
	if len(v.Probes) == 0 {
		return True(v1alpha1.ReasonNoProbes, "the lab has no probes")
	}
	return True(v1alpha1.ReasonAllProbesPass, "every probe has the expected outcome")
}

// open: nothing is proven yet.
func (p ProbeResult) open() bool { return p.Result.Verdict == probe.Unknown }

// couldNotAsk: nothing is proven, and the last attempt says nothing about the way.
func (p ProbeResult) couldNotAsk() bool {
	return p.open() && p.Result.Outcome != probe.NotAsked && !p.Result.Outcome.Conclusive()
}

func (v Look) failingProbes() []v1alpha1.ProbeReport {
	var list []v1alpha1.ProbeReport
	for _, p := range v.Probes {
		if p.Result.Verdict == probe.Fail {
			list = append(list, v1alpha1.ProbeReport{
				Name: p.Name, Family: p.Family, Reason: p.Cause.Reason, Message: shortened(p.Cause.Message),
			})
		}
	}
	return list
}
