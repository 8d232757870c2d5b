// SPDX-License-Identifier: Apache-2.0

package controllers

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

// labView is what one look at a lab on this node found.
type labView struct {
	lab *v1alpha1.NetLab
	// problems keep the spec from being built.
	problems lab.Problems
	// overLimit says which limit of this agent the lab would exceed.
	overLimit string
	// outcome is what the kernel holds, and err what went wrong on the way.
	outcome converge.Outcome
	err     error
	// featureMissing: err says that this kernel lacks something.
	featureMissing bool
	// onlyReport: this generation was realized before, and driftPolicy is Report.
	onlyReport bool
	// probes are in stored order.
	probes []probeView
}

// probeView is what is known of one probe.
type probeView struct {
	lab.Probe
	result probe.Result
	// cause is why it fails.
	cause v1alpha1.Finding
}

// labReport says what a view means. It is pure.
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
func labReport(v labView) v1alpha1.LabReport {
	said := v.verdict()
	report := v1alpha1.LabReport{
		Namespace:          v.lab.Namespace,
		Name:               v.lab.Name,
		UID:                v.lab.UID,
		ObservedGeneration: v.lab.Generation,
	}
	said.writeInto(&report)
	if said.realized.Reason == v1alpha1.ReasonDrifted {
		report.Drift = v.drift()
	}
	if v.probing() {
		report.FailingProbes = v.failingProbes()
	}
	return report
}

func (v labView) verdict() verdict {
	switch {
	case len(v.problems) > 0:
		return invalidVerdict(v.problems)
	case v.lab.Spec.Suspend:
		return suspendedVerdict()
	}
	return verdict{accepted: validFinding(), realized: v.realized(), reachable: v.reachable()}
}

func (v labView) realized() v1alpha1.Finding {
	switch {
	case v.overLimit != "":
		return refuted(v1alpha1.ReasonLimitExceeded, v.overLimit)
	case errors.Is(v.err, converge.ErrObserve):
		return unknown(v1alpha1.ReasonObservationFailed, shortened(v.err.Error()))
	case v.featureMissing:
		return refuted(v1alpha1.ReasonKernelFeatureMissing, shortened(v.err.Error()))
	case v.err != nil:
		return refuted(v1alpha1.ReasonKernelError, shortened(v.err.Error()))
	case len(v.outcome.Conflicts) > 0:
		return refuted(v1alpha1.ReasonConflict, v.conflicts())
	case len(v.outcome.Left) == 0:
		return confirmed(v1alpha1.ReasonRealized, "as described")
	case v.onlyReport:
		return refuted(v1alpha1.ReasonDrifted, v.drifted())
	}
	return refuted(v1alpha1.ReasonKernelError, v.restless())
}

// probing reports whether probes run: the lab is as described, or its differences are left alone.
func (v labView) probing() bool {
	if len(v.problems) > 0 || v.lab.Spec.Suspend || v.overLimit != "" || v.err != nil {
		return false
	}
	return v.outcome.Realized() || v.onlyReport && len(v.outcome.Conflicts) == 0
}

func (v labView) conflicts() string {
	var b strings.Builder
	for i, c := range v.outcome.Conflicts {
		if i == maxConflictsListed {
			fmt.Fprintf(&b, "; and %d more", len(v.outcome.Conflicts)-i)
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

func (v labView) drifted() string {
	return shortened(fmt.Sprintf("%s under driftPolicy Report; to be as described: %s",
		countOf(len(v.outcome.Left), "difference"), v.outcome.Left[0]))
}

func (v labView) restless() string {
	return shortened(fmt.Sprintf("still differs after %d rounds, something else may be changing it; left to do: %s",
		converge.MaxRounds, v.outcome.Left[0]))
}

// drift is what would have to be done, as ip commands.
func (v labView) drift() []string {
	var list []string
	for _, op := range v.outcome.Left[:min(len(v.outcome.Left), maxDriftReported)] {
		list = append(list, shortened(op.String()))
	}
	return list
}

// reachable folds the probes: False beats Unknown beats True, and the first in stored order
// speaks for those that are equally bad.
func (v labView) reachable() v1alpha1.Finding {
	if !v.probing() {
		return unknown(v1alpha1.ReasonNotRealized, "probes run only while the lab is realized")
	}
	if failing := v.failingProbes(); len(failing) > 0 {
		first := failing[0]
		message := fmt.Sprintf("probe %s (%s): %s", first.Name, first.Family, first.Message)
		if more := len(failing) - 1; more > 0 {
			message += fmt.Sprintf(" (and %s)", countOf(more, "more failing probe"))
		}
		return refuted(first.Reason, message)
	}
	if i := slices.IndexFunc(v.probes, probeView.couldNotAsk); i >= 0 {
		p := v.probes[i]
		return unknown(v1alpha1.ReasonProbeError, fmt.Sprintf("probe %s (%s): %s", p.Name, p.Family, p.result.Err))
	}
	if i := slices.IndexFunc(v.probes, probeView.open); i >= 0 {
		p := v.probes[i]
		return unknown(v1alpha1.ReasonPending, fmt.Sprintf("waiting for the first verdict of probe %s (%s)", p.Name, p.Family))
	}
	if len(v.probes) == 0 {
		return confirmed(v1alpha1.ReasonNoProbes, "the lab has no probes")
	}
	return confirmed(v1alpha1.ReasonAllProbesPass, "every probe has the expected outcome")
}

// open: nothing is proven yet.
func (p probeView) open() bool { return p.result.Verdict == probe.Unknown }

// couldNotAsk: nothing is proven, and the last attempt says nothing about the way.
func (p probeView) couldNotAsk() bool {
	return p.open() && p.result.Outcome != probe.NotAsked && !p.result.Outcome.Conclusive()
}

func (v labView) failingProbes() []v1alpha1.ProbeReport {
	var list []v1alpha1.ProbeReport
	for _, p := range v.probes {
		if p.result.Verdict == probe.Fail {
			list = append(list, v1alpha1.ProbeReport{
				Name: p.Name, Family: p.Family, Reason: p.cause.Reason, Message: shortened(p.cause.Message),
			})
		}
	}
	return list
}
