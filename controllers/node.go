// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var nodeKind = corev1.SchemeGroupVersion.WithKind("Node")

func nodeMetadata() *metav1.PartialObjectMetadata {
	node := &metav1.PartialObjectMetadata{}
	node.SetGroupVersionKind(nodeKind)
	return node
}

// keepLabels drops what nobody here reads: annotations of Nodes are large and change often.
func keepLabels(o any) (any, error) {
	if node, ok := o.(*metav1.PartialObjectMetadata); ok {
		node.Annotations, node.ManagedFields = nil, nil
	}
	return o, nil
}
