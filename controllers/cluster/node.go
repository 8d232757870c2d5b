// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var NodeKind = corev1.SchemeGroupVersion.WithKind("Node")

func NodeMetadata() *metav1.PartialObjectMetadata {
	node := &metav1.PartialObjectMetadata{}
	node.SetGroupVersionKind(NodeKind)
	return node
}

// KeepLabels drops what nobody here reads: annotations of Nodes are large and change often.
func KeepLabels(o any) (any, error) {
	if node, ok := o.(*metav1.PartialObjectMetadata); ok {
		node.Annotations, node.ManagedFields = nil, nil
	}
	return o, nil
}
