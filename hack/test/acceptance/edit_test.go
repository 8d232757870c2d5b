// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An edit changes what it names: one more host, and another address for an old one. Every link
// that was there before keeps its index and its count of carrier changes.
func TestAnEditChangesOnlyWhatItNames(t *testing.T) {
	newCluster(t)
	kubectl(t, "apply", "-f", sample("routed-pair"))
	waitFor(t, "routed-pair", "Ready")
	before := linkIdentity(t)

	edited := strings.NewReplacer(
		"[{name: ns1}, {name: ns2}]", "[{name: ns1}, {name: ns2}, {name: ns3}]",
		"  links:\n", "  - {name: third, cidrs: [203.0.113.0/24]}\n  links:\n",
		"  probes:\n", "  - {name: l3, subnet: third, endpoints: [{name: ns3}, {name: router}]}\n  probes:\n  - {name: ns1-ns3, from: ns1, to: ns3}\n",
		"{name: ns2}]}\n", "{name: ns2, addresses: [198.51.100.77/24]}]}\n",
	).Replace(readSample(t, "routed-pair"))
	apply(t, edited)
	kubectl(t, "wait", "netlab/routed-pair", "--for=jsonpath={.status.observedGeneration}=2", "--timeout=20s")
	waitFor(t, "routed-pair", "Ready")

	if got := addresses(t, "default.routed-pair.ns2", "l2"); len(got) != 1 || got[0] != "198.51.100.77/24" {
		t.Errorf("ns2's address is %v", got)
	}
	after := linkIdentity(t)
	for _, added := range []string{"default.routed-pair.ns3 l3", "default.routed-pair.router l3"} {
		if _, ok := after[added]; !ok {
			t.Errorf("%s is missing", added)
		}
	}
	maps.DeleteFunc(after, func(link, _ string) bool { return strings.HasSuffix(link, " l3") })
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("links that the edit does not name changed (-before +after):\n%s", diff)
	}
}
