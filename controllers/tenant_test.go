// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
)

// A tenant may view and edit the NetLabs of one namespace, and reaches nothing else: not their status, not the nodes' states,
// not the labs of others, and nothing by a field selector or as another field manager.
func TestAnEditorOfNetLabsReachesNothingElse(t *testing.T) {
	admin := adminClient(t)
	installRights(t, admin)
	own, other := newNamespace(t, admin), newNamespace(t, admin)
	tenant := editorOf(t, admin, own)
	victim := single(other)
	victim.Status.Reason = v1alpha1.ReasonConflict
	create(t, admin, victim)
	state := &v1alpha1.NetLabNodeState{}
	state.Name = own
	create(t, admin, state)
	eventually(t, "the tenant's rights", func(ctx context.Context) (bool, string) {
		err := tenant.List(ctx, &v1alpha1.NetLabList{}, client.InNamespace(own))
		return err == nil, errorText(err)
	})
	lab := single(own)
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "c"}}}}
	pod.Namespace, pod.Name = own, "invented"
	ctx, conflicts := t.Context(), client.MatchingFields{"status.reason": v1alpha1.ReasonConflict}
	for _, c := range []struct {
		what    string
		allowed bool
		do      func() error
	}{
		{"create a lab", true, func() error { return tenant.Create(ctx, lab) }},
		{"select labs by their reason", true, func() error { return tenant.List(ctx, &v1alpha1.NetLabList{}, client.InNamespace(own), conflicts) }},
		{"edit its lab", true, func() error { lab.Spec.Suspend = true; return tenant.Update(ctx, lab) }},
		{"write the status of its lab", false, func() error { return cluster.ReplaceStatus(ctx, tenant, lab, v1alpha1.NetLabStatus{}, "") }},
		{"select the labs of all by their reason", false, func() error { return tenant.List(ctx, &v1alpha1.NetLabList{}, conflicts) }},
		{"read another's lab", false, func() error { return tenant.Get(ctx, client.ObjectKeyFromObject(victim), &v1alpha1.NetLab{}) }},
		{"edit another's lab", false, func() error { return tenant.Update(ctx, victim) }},
		{"delete another's lab", false, func() error { return tenant.Delete(ctx, victim) }},
		{"create a lab elsewhere", false, func() error { return tenant.Create(ctx, single(other)) }},
		{"delete all labs of another", false, func() error { return tenant.DeleteAllOf(ctx, &v1alpha1.NetLab{}, client.InNamespace(other)) }},
		{"list the nodes' states", false, func() error { return tenant.List(ctx, &v1alpha1.NetLabNodeStateList{}) }},
		{"write a node's state", false, func() error {
			return cluster.ReplaceStatus(ctx, tenant, state, v1alpha1.NetLabNodeStateStatus{LabCount: 1}, "")
		}},
		{"delete a node's state", false, func() error { return tenant.Delete(ctx, state) }},
		{"list nodes", false, func() error { return tenant.List(ctx, &corev1.NodeList{}) }},
		{"start a pod", false, func() error { return tenant.Create(ctx, pod) }},
		{"read Secrets", false, func() error { return tenant.List(ctx, &corev1.SecretList{}, client.InNamespace(own)) }},
		{"read NetLab's pods", false, func() error { return tenant.List(ctx, &corev1.PodList{}, client.InNamespace(systemNamespace)) }},
		{"give itself rights", false, func() error {
			return tenant.Create(ctx, bindingOf(own, "more", "cluster-admin", "tenant"))
		}},
		{"delete its lab", true, func() error { return tenant.Delete(ctx, lab) }},
	} {
		switch err := c.do(); {
		case c.allowed && err != nil:
			t.Errorf("%s: %v", c.what, err)
		case !c.allowed && !apierrors.IsForbidden(err):
			t.Errorf("%s is not forbidden: %v", c.what, err)
		}
	}
}

// An experiment that may edit labs owns the impairment of one end, and no more than its author lets it take.
func TestTwoTenantsOwnPartsOfALab(t *testing.T) {
	admin := adminClient(t)
	installRights(t, admin)
	ns := newNamespace(t, admin)
	tenant := editorOf(t, admin, ns)
	eventually(t, "the tenant's rights", func(ctx context.Context) (bool, string) {
		err := tenant.List(ctx, &v1alpha1.NetLabList{}, client.InNamespace(ns))
		return err == nil, errorText(err)
	})
	testOwners(owned{t, tenant, "netlab.dev", ns})
}

// editorOf is a user whose only rights are to view and edit the NetLabs of a namespace.
func editorOf(t *testing.T, admin client.Client, namespace string) client.Client {
	t.Helper()
	create(t, admin, bindingOf(namespace, "view", "netlab-view", namespace), bindingOf(namespace, "edit", "netlab-edit", namespace))
	config := api.Config(t)
	config.Impersonate = rest.ImpersonationConfig{UserName: namespace, Groups: []string{"system:authenticated"}}
	return clientFor(t, config)
}

func bindingOf(namespace, name, role, user string) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
}

// single is the smallest lab.
func single(namespace string) *v1alpha1.NetLab {
	lab := &v1alpha1.NetLab{}
	lab.Namespace, lab.GenerateName = namespace, "single-"
	lab.Spec.Namespaces = []v1alpha1.Namespace{{Name: "h1"}}
	return lab
}
