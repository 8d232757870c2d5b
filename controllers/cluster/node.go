// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodeKind is the kind of Nodes.
var NodeKind = corev1.SchemeGroupVersion.WithKind("Node")

// NodeMetadata returns an empty Node of which only the metadata is read.
func NodeMetadata() *metav1.PartialObjectMetadata {
	node := &metav1.PartialObjectMetadata{}
	node.SetGroupVersionKind(NodeKind)
	return node
}

// KeepLabels drops annotations and managed fields: annotations of Nodes are large and change often.
func KeepLabels(o any) (any, error) {
	if node, ok := o.(*metav1.PartialObjectMetadata); ok {
		node.Annotations, node.ManagedFields = nil, nil
	}
	return o, nil
}
