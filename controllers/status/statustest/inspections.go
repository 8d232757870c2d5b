// SPDX-License-Identifier: Apache-2.0

// Package statustest has every row of the tables of status.Inspection, so that agent, controller and
// command line can be tested with the same ones.
package statustest

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

// Case is a row of the tables, with the conditions that it must have.
type Case struct {
	Name       string
	Inspection status.Inspection
	// Conditions are Accepted, Realized, Reachable and Ready, as Status/Reason.
	Conditions string
	// Message is the message of Ready.
	Message string
}

// Cases returns a fresh list.
func Cases() []Case {
	var cases []Case
	for _, list := range [][]Case{beforeBuilding(), failures(), differences(), probes()} {
		for _, c := range list {
			if c.Inspection.NetLab == nil {
				c.Inspection.NetLab = labtest.StoredPair()
			}
			if len(c.Inspection.Probes) == 0 {
				c.Inspection.NetLab.Spec.Probes = nil
			}
			cases = append(cases, c)
		}
	}
	return cases
}

// Named returns the inspection of a case.
func Named(name string) status.Inspection {
	for _, c := range Cases() {
		if c.Name == name {
			return c.Inspection
		}
	}
	panic("statustest: there is no case " + name)
}

func beforeBuilding() []Case {
	suspended := labtest.StoredPair()
	suspended.Spec.Suspend = true
	return []Case{
		{"problems in the spec",
			status.Inspection{Problems: lab.Problems{{Field: "spec.links[0].endpoints[0].addresses[0]", Message: "192.0.2.300/24 is not an address", Fix: "write one of 192.0.2.0/24"}}},
			"False/InvalidSpec Unknown/NotAccepted Unknown/NotAccepted False/InvalidSpec",
			"spec.links[0].endpoints[0].addresses[0]: 192.0.2.300/24 is not an address; write one of 192.0.2.0/24"},
		{"suspended", status.Inspection{NetLab: suspended},
			"True/Valid Unknown/Suspended Unknown/Suspended Unknown/Suspended",
			"spec.suspend is true; NetLab does not change or probe the lab"},
		{"a limit of the agent is exceeded", status.Inspection{OverLimit: "this node is limited to 1 lab (--max-labs)"},
			"True/Valid False/LimitExceeded Unknown/NotRealized False/LimitExceeded",
			"this node is limited to 1 lab (--max-labs)"},
	}
}

func failures() []Case {
	failed := func(how status.Failure, why string) status.Inspection {
		return status.Inspection{Failure: how, Err: errors.New(why), Left: left(3)}
	}
	return []Case{
		{"the kernel could not be read", failed(status.ObservationFailed, "observe default/routed-pair: the dump was interrupted"),
			"True/Valid Unknown/ObservationFailed Unknown/NotRealized Unknown/ObservationFailed",
			"observe default/routed-pair: the dump was interrupted"},
		{"the kernel lacks a feature", failed(status.FeatureMissing, "ip link add: the kernel lacks veth"),
			"True/Valid False/KernelFeatureMissing Unknown/NotRealized False/KernelFeatureMissing",
			"ip link add: the kernel lacks veth"},
		{"an operation failed", failed(status.OperationFailed, "ip link add: no space left on device"),
			"True/Valid False/KernelError Unknown/NotRealized False/KernelError",
			"ip link add: no space left on device"},
	}
}

func differences() []Case {
	const conflict = "/run/netlab/netns/default.routed-pair.ns1 is taken: a directory; remove what is there or rename the lab"
	return []Case{
		{"a name is taken", status.Inspection{Left: left(2), Conflicts: taken(1)},
			"True/Valid False/Conflict Unknown/NotRealized False/Conflict", conflict},
		{"a name is taken, after comparing only", status.Inspection{Left: left(2), Conflicts: taken(1), CompareOnly: true},
			"True/Valid False/Conflict Unknown/NotRealized False/Conflict", conflict},
		{"five names are taken", status.Inspection{Conflicts: taken(5)},
			"True/Valid False/Conflict Unknown/NotRealized False/Conflict",
			"/run/netlab/netns/default.routed-pair.ns1 is taken: a directory; /run/netlab/netns/default.routed-pair.ns2 is taken: a directory; /run/netlab/netns/default.routed-pair.ns3 is taken: a directory; " +
				"and 2 more; remove what is there or rename the lab"},
		{"not built, and no agent builds it", status.Inspection{Left: left(2), CompareOnly: true, NotBuilt: true},
			"True/Valid False/Drifted Unknown/NotRealized False/Drifted",
			"no network namespace of the lab exists on this machine; up -f builds it"},
		{"a difference after comparing only", status.Inspection{Left: left(1), CompareOnly: true, Probes: []status.ProbeResult{probe(status.ProbePasses)}},
			"True/Valid False/Drifted True/AllProbesPass False/Drifted",
			"1 difference from the spec; to correct it: ip -n default.routed-pair.ns1 address replace 192.0.2.1/24 dev l1"},
		{"differences after comparing only", status.Inspection{Left: left(2), CompareOnly: true, Probes: []status.ProbeResult{failing("NoReply", "no reply", "")}},
			"True/Valid False/Drifted False/NoReply False/Drifted",
			"2 differences from the spec; the first correction: ip -n default.routed-pair.ns1 address replace 192.0.2.1/24 dev l1"},
		{"interrupted between two operations", status.Inspection{Left: left(2), Interrupted: true},
			"True/Valid False/Progressing Unknown/NotRealized False/Progressing",
			"the lab is large; the node builds it in turns with those of other namespaces"},
		{"differences after corrections", status.Inspection{Left: left(2)},
			"True/Valid False/KernelError Unknown/NotRealized False/KernelError",
			"the kernel still differs from the spec after repeated corrections, another program may be changing it; next correction: ip -n default.routed-pair.ns1 address replace 192.0.2.1/24 dev l1"},
	}
}

func probes() []Case {
	probed := func(results ...status.ProbeResult) status.Inspection { return status.Inspection{Probes: results} }
	pass, pending, notSent := probe(status.ProbePasses), probe(status.ProbePending), probe(status.ProbeNotSent)
	forwarding := failing("ForwardingDisabled", "router does not forward IPv4: net.ipv4.ip_forward is 0", "fix: in the spec, list router under routers without forwarding: Disabled")
	answered := probe(status.ProbeFails)
	answered.Expect = v1alpha1.ExpectUnreachable
	unexplained := probe(status.ProbeFails)
	unexplained.Error = "observe: interrupted"
	return []Case{
		{"the lab has no probes", probed(), "True/Valid True/Realized True/NoProbes True/Ready",
			"the lab matches the spec; the lab has no probes"},
		{"the lab has no nodes", status.Inspection{NetLab: &v1alpha1.NetLab{}}, "True/Valid True/Realized True/NoProbes True/Ready",
			"the lab matches the spec; the lab has no nodes"},
		{"every probe has its expected outcome", probed(pass, pass), "True/Valid True/Realized True/AllProbesPass True/Ready",
			"the lab matches the spec; every probe has its expected outcome"},
		{"a probe has no result yet", probed(pass, pending), "True/Valid True/Realized Unknown/Pending False/Progressing",
			"probe ns1-ns2 (IPv4): waiting for the first result"},
		{"a probe could not be sent", probed(pending, notSent), "True/Valid True/Realized Unknown/ProbeError Unknown/ProbeError",
			"probe ns1-ns2 (IPv4): the neighbour table is full"},
		{"a probe fails", probed(pass, forwarding), "True/Valid True/Realized False/ForwardingDisabled False/ForwardingDisabled",
			"probe ns1-ns2 (IPv4): router does not forward IPv4: net.ipv4.ip_forward is 0; fix: in the spec, list router under routers without forwarding: Disabled"},
		{"two probes fail, one could not be sent", probed(notSent, failing("NoReturnRoute", "ns2 has no route to 192.0.2.1", ""), forwarding),
			"True/Valid True/Realized False/NoReturnRoute False/NoReturnRoute",
			"probe ns1-ns2 (IPv4): ns2 has no route to 192.0.2.1 (and 1 more failing probe)"},
		{"a probe fails for an unknown cause", probed(unexplained), "True/Valid True/Realized False/NoReply False/NoReply",
			"probe ns1-ns2 (IPv4): ns1 gets no reply from 198.51.100.1; the cause is unknown: observe: interrupted"},
		{"an unexpected reply has an unknown cause", probed(answered), "True/Valid True/Realized False/UnexpectedReply False/UnexpectedReply",
			"probe ns1-ns2 (IPv4): ns1 gets a reply from 198.51.100.1; the cause is unknown"},
	}
}

// left are addresses that are missing.
func left(n int) []state.Op {
	var ops []state.Op
	for i := range n {
		key := state.AddressKey{Link: "l1", Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 24)}
		ops = append(ops, state.AddAddress{AddressID: state.AddressID{Namespace: "default.routed-pair.ns1", AddressKey: key}})
	}
	return ops
}

func taken(n int) []state.Conflict {
	var conflicts []state.Conflict
	for i := range n {
		conflicts = append(conflicts, state.Conflict{Name: fmt.Sprint("/run/netlab/netns/default.routed-pair.ns", i+1), Found: "a directory"})
	}
	return conflicts
}

// probe is the tutorial's.
func probe(outcome status.ProbeOutcome) status.ProbeResult {
	p := status.ProbeResult{
		Probe: lab.Probe{
			Name: "ns1-ns2", Family: v1alpha1.IPv4, From: "ns1", Target: "ns2", To: netip.MustParseAddr("198.51.100.1"), Expect: v1alpha1.ExpectReachable,
		},
		Outcome: outcome,
	}
	if outcome == status.ProbeNotSent {
		p.Error = "the neighbour table is full"
	}
	return p
}

func failing(reason, message, fix string) status.ProbeResult {
	p := probe(status.ProbeFails)
	p.Cause, p.Fix = status.False(reason, message), fix
	return p
}
