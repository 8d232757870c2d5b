// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 has the resources of NetLab. NetLab is a network lab of Linux network namespaces,
// veth pairs, subnets and routers, and its state. NetLabNodeState is the report of one cluster node
// about its labs.
//
// netlab_types.go and netlabnodestate_types.go have the fields, with meaning, default and range;
// kubectl explain prints the same text. shared_types.go has the constraints that fields share.
// conditions.go has every condition and its reasons.
//
// +kubebuilder:object:generate=true
// +groupName=netlab.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group is the API group of every NetLab resource.
const Group = "netlab.dev"

// GroupVersion is the group and version of this package's types.
var GroupVersion = schema.GroupVersion{Group: Group, Version: "v1alpha1"}

// AddToScheme registers the types of this package.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &NetLab{}, &NetLabList{}, &NetLabNodeState{}, &NetLabNodeStateList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
