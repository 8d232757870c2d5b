// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"fmt"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// A probe to a node by name goes to its first loopback, else to its first address.
func TestAddressesOfNodes(t *testing.T) {
	spec := v1alpha1.NetLabSpec{
		Namespaces: []v1alpha1.Namespace{{Name: "h"}, {Name: "alone"}},
		Routers:    []v1alpha1.Router{{Name: "r", NodeConfig: v1alpha1.NodeConfig{Loopbacks: []string{"10.255.0.1/32", "10.255.0.2/32"}}}},
		Subnets:    []v1alpha1.Subnet{{Name: "s", CIDRs: []string{"10.0.0.0/24", "fd00::/64"}}},
		Links:      []v1alpha1.Link{{Name: "l", Subnet: "s", Endpoints: []v1alpha1.Endpoint{{Name: "h"}, {Name: "r"}}}},
	}
	lab, err := lab.Compile(state.Identity{Namespace: "d", Name: "l"}, &spec, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for node, want := range map[string]string{"h": "[10.0.0.1 fd00::1]", "r": "[10.255.0.1 10.255.0.2 10.0.0.254 fd00::fe]", "alone": "[]"} {
		if got := fmt.Sprint(lab.Addresses[node]); got != want {
			t.Errorf("%s has address %s, want %s", node, got, want)
		}
	}
}
