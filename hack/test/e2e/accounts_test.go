// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"path/filepath"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// account is a ServiceAccount of a story.
func account(namespace, name string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

// token is one of an account's, bound to an object if that is not nil.
func token(t *testing.T, account *corev1.ServiceAccount, bound *authenticationv1.BoundObjectReference) string {
	t.Helper()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: bound}}
	if err := api.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatalf("token of %s: %v", account.Name, err)
	}
	return request.Status.Token
}

// agentToken is a token like the one that the kubelet gives to an agent: bound to its pod.
func agentToken(t *testing.T, pod corev1.Pod) string {
	t.Helper()
	return token(t, account(pod.Namespace, pod.Spec.ServiceAccountName),
		&authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID})
}

// scraper is a token of an account that may read metrics, and nothing else.
func scraper(t *testing.T) string {
	t.Helper()
	scraper := account(system, "e2e-scraper")
	ensure(t, scraper, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: scraper.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "netlab-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: system, Name: scraper.Name}},
	})
	return token(t, scraper, nil)
}

// viewerOf is the kubeconfig of an account that has the role view in one namespace.
func viewerOf(t *testing.T, namespace string) (file string) {
	t.Helper()
	viewer := account(namespace, "viewer")
	ensure(t, viewer, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: viewer.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: viewer.Name}},
	})
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: api.config.Host, CertificateAuthority: api.config.CAFile, CertificateAuthorityData: api.config.CAData}
	config.AuthInfos["u"] = &clientcmdapi.AuthInfo{Token: token(t, viewer, nil)}
	config.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	config.CurrentContext = "x"
	file = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
}
