// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// NeighbourTables reads the use of the machine's neighbour tables.
type NeighbourTables interface {
	// NeighbourUse returns the number of entries in the neighbour table of family 4 or 6, and its limit.
	NeighbourUse(family int) (used, limit int, err error)
}

// Spec maps a probe of a lab to package probe.
func Spec(lab *lab.Lab, p lab.Probe) probe.Spec {
	spec := probe.Spec{
		Name: p.Name, From: lab.Identity.NetworkNamespace(p.From), To: p.To,
		Period: p.Period, Timeout: p.Timeout, FailureThreshold: p.FailureThreshold, SizeBytes: p.SizeBytes,
	}
	if p.Expect == v1alpha1.ExpectUnreachable {
		spec.Expect = probe.Unreachable
	}
	return spec
}

// Question maps a probe of a lab and its result to package diagnose. Left are the operations that would
// make the kernel hold the lab; full tells whether the neighbour table of a family is full.
func Question(lab *lab.Lab, p lab.Probe, result probe.Result, left []state.Op, full func(probe.Family) bool) diagnose.Question {
	replied := probe.Pass
	if p.Expect == v1alpha1.ExpectUnreachable {
		replied = probe.Fail
	}
	return diagnose.Question{
		From:      lab.Identity.NetworkNamespace(p.From),
		To:        p.To.WithZone(""),
		Link:      p.To.Zone(),
		SizeBytes: p.SizeBytes,
		Expect:    p.Expect,
		Lab:       lab,
		Left:      left,
		NoRoom:    full(probe.FamilyOf(p.To)),
		Timeout:   p.Timeout,
		Measure:   func() (lost, sent int) { return result.Lost, result.Sent },
		Replied:   result.Verdict == replied && result.Outcome != probe.DeliveredLocally,

		DeliveredLocally: result.Outcome == probe.DeliveredLocally,
	}
}

// NeighbourTableFull returns a function that reports whether the neighbour table of a family is full.
// With a full table, IPv6 answers EINVAL, and routers drop packets of both families to new neighbours.
func NeighbourTableFull(tables NeighbourTables) func(probe.Family) bool {
	return func(family probe.Family) bool {
		used, limit, err := tables.NeighbourUse(int(family))
		return err == nil && isFull(used, limit)
	}
}

// isFull holds from 95 % on: entries come and go between a reading and the packets that need one.
func isFull(used, limit int) bool { return used*100 >= limit*95 }
