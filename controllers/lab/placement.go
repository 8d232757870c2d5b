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
	selector, err := asSelector(spec.Placement.NodeSelector)
	if err != nil {
		return labels.Nothing(), false
	}
	return selector, true
}

// checkOperators repeats the schema's check.
func (n *network) checkOperators(s *v1alpha1.NodeSelector) {
	if s == nil {
		return
	}
	for i, e := range s.MatchExpressions {
		field := fieldAt("spec.placement.nodeSelector", "matchExpressions", i)
		switch e.Operator {
		case "":
			n.refuse(field+".operator", "write In, NotIn, Exists or DoesNotExist", "the operator is missing")
		default:
			oneOf(n, field, "operator", e.Operator, "In", "NotIn", "Exists", "DoesNotExist")
		}
	}
}

// asSelector reads a selector as Kubernetes reads that of a Deployment.
func asSelector(s *v1alpha1.NodeSelector) (labels.Selector, error) {
	if s == nil {
		return labels.Everything(), nil
	}
	selector := metav1.LabelSelector{MatchLabels: s.MatchLabels}
	for _, e := range s.MatchExpressions {
		selector.MatchExpressions = append(selector.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: e.Key, Operator: metav1.LabelSelectorOperator(e.Operator), Values: e.Values,
		})
	}
	return metav1.LabelSelectorAsSelector(&selector)
}

func (n *network) checkPlacement() {
	p := n.spec.Placement
	if p == nil {
		return
	}
	n.checkOperators(p.NodeSelector)
	if _, err := asSelector(p.NodeSelector); err != nil && n.okUnder("spec.placement.nodeSelector") {
		n.refuse("spec.placement.nodeSelector", "write it as a Deployment's selector", "%v", err)
	}
	m := p.MaxUnavailable
	if m != nil && ((m.Type == intstr.Int && m.IntVal < 0) || (m.Type == intstr.String && !wholePercent.MatchString(m.StrVal))) {
		n.refuse("spec.placement.maxUnavailable", "write a number of nodes, or a percentage from 0% to 100%", "%q is neither a number of nodes nor a percentage", m.String())
	}
}
