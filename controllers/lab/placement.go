// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"regexp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

var wholePercent = regexp.MustCompile(`^(100|[1-9]?[0-9])%$`)

// NodeSelector returns what selects the Nodes of a lab by their labels: without a selector in the
// spec, everything. An invalid one is a problem of the spec, and valid is false.
func NodeSelector(spec *v1alpha1.NetLabSpec) (selector labels.Selector, valid bool) {
	if spec.Placement == nil || spec.Placement.NodeSelector == nil {
		return labels.Everything(), true
	}
	selector, err := metav1.LabelSelectorAsSelector(spec.Placement.NodeSelector)
	if err != nil {
		return labels.Nothing(), false
	}
	return selector, true
}

func (n *network) checkPlacement() {
	p := n.spec.Placement
	if p == nil {
		return
	}
	if _, err := metav1.LabelSelectorAsSelector(p.NodeSelector); err != nil {
		n.refuse("spec.placement.nodeSelector", "write it as a Deployment's selector", "%v", err)
	}
	m := p.MaxUnavailable
	if m != nil && ((m.Type == intstr.Int && m.IntVal < 0) || (m.Type == intstr.String && !wholePercent.MatchString(m.StrVal))) {
		n.refuse("spec.placement.maxUnavailable", "write a number of nodes, or a percentage from 0% to 100%", "%q is neither a number of nodes nor a percentage", m.String())
	}
}
