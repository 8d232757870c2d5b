// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"regexp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var wholePercent = regexp.MustCompile(`^(100|[1-9]?[0-9])%$`)

func (n *network) checkPlacement() {
	p := n.spec.Placement
	if p == nil {
		return
	}
	if p.NodeSelector != nil {
		if _, err := metav1.LabelSelectorAsSelector(p.NodeSelector); err != nil {
			n.refuse("spec.placement.nodeSelector", "", "%v", err)
		}
	}
	m := p.MaxUnavailable
	if m != nil && ((m.Type == intstr.Int && m.IntVal < 0) || (m.Type == intstr.String && !wholePercent.MatchString(m.StrVal))) {
		n.refuse("spec.placement.maxUnavailable", "write a number of nodes, or a percentage from 0% to 100%", "%q is neither a number of nodes nor a percentage", m.String())
	}
}
