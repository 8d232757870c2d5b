// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// Tutorial is the tutorial's lab: two hosts and a router.
const Tutorial = `
apiVersion: netlab.dev/v1alpha1
kind: NetLab
metadata: {name: routed-pair}
spec:
  routing: Auto
  namespaces: [{name: ns1}, {name: ns2}]
  routers: [{name: router}]
  subnets:
  - {name: left, cidrs: [192.0.2.0/24]}
  - {name: right, cidrs: [198.51.100.0/24]}
  links:
  - {name: l1, subnet: left, endpoints: [{name: ns1}, {name: router}]}
  - {name: l2, subnet: right, endpoints: [{name: router}, {name: ns2}]}
  probes:
  - {name: ns1-ns2, from: ns1, to: ns2}
`

// RoutedPair returns the tutorial's lab.
func RoutedPair() *v1alpha1.NetLab {
	lab := &v1alpha1.NetLab{}
	if err := yaml.UnmarshalStrict([]byte(Tutorial), lab); err != nil {
		panic(err)
	}
	return lab
}

// StoredPair returns the tutorial's lab as an API server stores it.
func StoredPair() *v1alpha1.NetLab {
	lab := RoutedPair()
	lab.Namespace, lab.UID, lab.Generation = "default", "uid", 3
	return lab
}

// Selecting places a lab on the Nodes with that label.
func Selecting(label, value string) *v1alpha1.Placement {
	return &v1alpha1.Placement{NodeSelector: &v1alpha1.NodeSelector{MatchLabels: map[string]string{label: value}}}
}
