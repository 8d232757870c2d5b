// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 is what users of NetLab write and read: NetLab, a network lab
// of Linux network namespaces, veth pairs, subnets and routers, and
// NetLabNodeState, what one node reports about its labs.
//
// Everything a lab may say is described on the types of netlab_types.go; every
// condition and every reason it can carry is described in conditions.go.
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
