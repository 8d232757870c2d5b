// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/json"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

const (
	// maxReportBytes is the size limit of a node's report: a third of etcd's default limit.
	maxReportBytes = 512 << 10
	// maxLabsReported is the limit of the schema. Few labs are so short that so many have room.
	maxLabsReported = 4096
)

// capped makes a report fit: without drift lists, then without messages of probes, then with fewer labs.
// LabCount stays, so readers see that labs are missing.
func capped(status v1alpha1.NetLabNodeStateStatus, limit int) v1alpha1.NetLabNodeStateStatus {
	status.Labs = status.Labs[:min(len(status.Labs), maxLabsReported)]
	if encodedSize(status) <= limit {
		return status
	}
	status.Labs = slices.Clone(status.Labs)
	for _, drop := range []func(*v1alpha1.LabReport){dropDrift, dropProbeMessages} {
		for i := range status.Labs {
			drop(&status.Labs[i])
		}
		if encodedSize(status) <= limit {
			return status
		}
	}
	status.Labs = status.Labs[:howManyFit(status, limit)]
	return status
}

func dropDrift(report *v1alpha1.LabReport) {
	report.DriftOmitted += int32(len(report.Drift))
	report.Drift = nil
}

func dropProbeMessages(report *v1alpha1.LabReport) {
	report.FailingProbes = slices.Clone(report.FailingProbes)
	for i := range report.FailingProbes {
		report.FailingProbes[i].Message = ""
	}
}

func howManyFit(status v1alpha1.NetLabNodeStateStatus, limit int) int {
	labs := status.Labs
	status.Labs = nil
	size := encodedSize(status) + len(`,"labs":[]`)
	for i, report := range labs {
		size += encodedSize(report) + len(",")
		if size > limit {
			return i
		}
	}
	return len(labs)
}

// encodedSize is in bytes of JSON: the API server stores custom resources so.
func encodedSize(v any) int {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic("controllers: a report has no JSON: " + err.Error())
	}
	return len(encoded)
}
