// SPDX-License-Identifier: Apache-2.0

package diagnose_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// lan has hosts h1, h2 … on one switch.
func lan(b *testing.B, hosts int) state.State {
	var text strings.Builder
	text.WriteString("switches: [{name: sw, subnet: lan}]\nsubnets: [{name: lan, cidrs: [10.1.0.0/16]}]\nnamespaces:\n")
	for i := range hosts {
		fmt.Fprintf(&text, "- {name: h%d}\n", i+1)
	}
	text.WriteString("links:\n")
	for i := range hosts {
		fmt.Fprintf(&text, "- {name: h%d, endpoints: [{name: h%[1]d}, {name: sw}]}\n", i+1)
	}
	var spec v1alpha1.NetLabSpec
	if err := yaml.UnmarshalStrict([]byte(text.String()), &spec); err != nil {
		b.Fatal(err)
	}
	lab, err := lab.Compile(pair, &spec, lab.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return lab.Want
}

// The cost of a walk grows linearly with the size of the segment, both if the next hop exists and if it
// does not, after all kinds of obstacle were lifted.
func BenchmarkWalkOverALAN(b *testing.B) {
	for _, hosts := range []int{16, 64, 256} {
		see := state.Observation{State: lan(b, hosts)}
		for name, to := range map[string]string{"present": fmt.Sprintf("10.1.0.%d", min(hosts, 250)), "missing": "10.1.200.1", "no route": "10.2.0.1"} {
			q := diagnose.Question{From: pair.NetworkNamespace("h1"), To: netip.MustParseAddr(to)}
			b.Run(fmt.Sprintf("%s/%d", name, hosts), func(b *testing.B) {
				for b.Loop() {
					if _, err := diagnose.Explain(b.Context(), onLink(to == "10.2.0.1"), see, q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// onLink makes a kernel that sends to its own link, or has no route, and delivers received packets.
func onLink(noRoute bool) diagnose.Kernel {
	return kernelFunc(func(q state.ForwardingQuery) state.ForwardingDecision {
		switch {
		case q.Incoming != "":
			return state.ForwardingDecision{Verdict: state.DeliverLocally}
		case noRoute:
			return state.ForwardingDecision{Verdict: state.NoRoute}
		}
		return state.ForwardingDecision{Link: state.NodeOf(q.Namespace), Source: netip.MustParseAddr("10.1.0.1")}
	})
}
