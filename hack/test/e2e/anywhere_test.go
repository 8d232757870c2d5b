// SPDX-License-Identifier: Apache-2.0

//go:build e2e && !nodes

package e2e

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// nothingLeft takes the agents' word for it: without hands on the nodes there is no other.
func nothingLeft(t *testing.T, tenant string) {
	t.Helper()
	eventually(t, soon, "no agent has a lab of "+tenant, func() error {
		var states v1alpha1.NetLabNodeStateList
		if err := api.List(lasting(t), &states); err != nil {
			return err
		}
		var left []error
		for _, state := range states.Items {
			for _, lab := range state.Status.Labs {
				if lab.Namespace == tenant {
					left = append(left, fmt.Errorf("%s has %s", state.Name, lab.Name))
				}
			}
		}
		return errors.Join(left...)
	})
}

// seeKernels sees nothing without hands on the nodes.
func (*journeys) seeKernels(*testing.T) {}

// effort cannot be known of processes that run elsewhere.
type effort struct{}

func effortNow() effort { return effort{} }

func (effort) since(effort) string { return "processors are somebody else's" }

var (
	requests   = regexp.MustCompile(`(?m)^apiserver_request_total\{(.*)\} (\S+)$`)
	writeVerbs = regexp.MustCompile(`verb="(POST|PUT|PATCH|DELETE|DELETECOLLECTION|APPLY)"`)
	ofNetLab   = regexp.MustCompile(`group="(netlab\.dev|events\.k8s\.io)"`)
)

// writes counts what agents and controller have written, Leases aside. It is the API server's
// own count, of everything they may write at all (controllers/rbac_test.go): the kinds of
// netlab.dev, and Events of events.k8s.io, which kubelets do not use.
func writes(t *testing.T) int {
	t.Helper()
	total := 0
	for _, m := range requests.FindAllStringSubmatch(kubectl(t, "get", "--raw", "/metrics"), -1) {
		if !writeVerbs.MatchString(m[1]) || !ofNetLab.MatchString(m[1]) {
			continue
		}
		n, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		total += int(n)
	}
	return total
}
