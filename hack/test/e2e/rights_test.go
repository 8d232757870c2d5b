// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// call is one request to the API server. Placeholders in path and body: OWN and OTHER are
// nodes, AGENT is a pod on OTHER, TENANT a namespace with a lab, a Secret and a ConfigMap, all
// called "victim".
type call struct {
	what, method, path, body string
}

// dry asks for everything but the last step. Who may, and what admission says, is decided
// before that step.
const dry = "?dryRun=All"

const (
	v1      = "/api/v1"
	ours    = "/apis/netlab.dev/v1alpha1"
	states  = ours + "/netlabnodestates"
	labs    = ours + "/namespaces/TENANT/netlabs"
	rbacAPI = "/apis/rbac.authorization.k8s.io/v1"
	empty   = "{}"
)

// needed is what an agent does all day.
var needed = []call{
	{"list labs", "GET", ours + "/netlabs", ""},
	{"watch labs", "GET", ours + "/netlabs?watch=true&timeoutSeconds=1", ""},
	{"read a lab", "GET", labs + "/victim", ""},
	{"list reports", "GET", states, ""},
	{"write its own report", "PATCH", states + "/OWN/status" + dry, empty},
	{"list nodes", "GET", v1 + "/nodes", ""},
	{"tell of a repair", "POST", "/apis/events.k8s.io/v1/namespaces/TENANT/events" + dry, `{"metadata":{"generateName":"e2e-"},"eventTime":"2026-01-01T00:00:00.000000Z",` +
		`"reportingController":"netlab-agent","reportingInstance":"e2e","action":"Repair","reason":"Repaired","type":"Normal","note":"e2e",` +
		`"regarding":{"apiVersion":"netlab.dev/v1alpha1","kind":"NetLab","namespace":"TENANT","name":"victim"}}`},
}

// forbidden are requests of an attacker who has an agent's token.
var forbidden = []call{
	{"write another node's report", "PATCH", states + "/OTHER/status" + dry, empty},
	{"replace another node's report", "PUT", states + "/OTHER/status" + dry, `{"apiVersion":"netlab.dev/v1alpha1","kind":"NetLabNodeState","metadata":{"name":"OTHER"}}`},
	{"change another node's state", "PATCH", states + "/OTHER" + dry, empty},
	{"delete another node's state", "DELETE", states + "/OTHER" + dry, ""},
	{"change its own object apart from the report", "PATCH", states + "/OWN" + dry, empty},
	{"delete its own state", "DELETE", states + "/OWN" + dry, ""},
	{"delete all states", "DELETE", states + dry, ""},
	{"make a state", "POST", states + dry, `{"apiVersion":"netlab.dev/v1alpha1","kind":"NetLabNodeState","metadata":{"name":"invented"}}`},

	{"change a lab's spec", "PATCH", labs + "/victim" + dry, `{"spec":{"suspend":true}}`},
	{"write a lab's status", "PATCH", labs + "/victim/status" + dry, empty},
	{"make a lab", "POST", labs + dry, `{"apiVersion":"netlab.dev/v1alpha1","kind":"NetLab","metadata":{"name":"invented"}}`},
	{"delete a lab", "DELETE", labs + "/victim" + dry, ""},
	{"delete all labs of a tenant", "DELETE", labs + dry, ""},

	{"read a Secret", "GET", v1 + "/namespaces/TENANT/secrets/victim", ""},
	{"list all Secrets", "GET", v1 + "/secrets", ""},
	{"watch all Secrets", "GET", v1 + "/secrets?watch=true&timeoutSeconds=1", ""},
	{"list Secrets of NetLab itself", "GET", v1 + "/namespaces/" + system + "/secrets", ""},
	{"make a Secret", "POST", v1 + "/namespaces/TENANT/secrets" + dry, `{"metadata":{"name":"invented"}}`},
	{"change a Secret", "PATCH", v1 + "/namespaces/TENANT/secrets/victim" + dry, empty},
	{"delete a Secret", "DELETE", v1 + "/namespaces/TENANT/secrets/victim" + dry, ""},
	{"read a ConfigMap", "GET", v1 + "/namespaces/TENANT/configmaps/victim", ""},
	{"change a ConfigMap", "PATCH", v1 + "/namespaces/TENANT/configmaps/victim" + dry, empty},

	{"list all pods", "GET", v1 + "/pods", ""},
	{"read a pod", "GET", v1 + "/namespaces/" + system + "/pods/AGENT", ""},
	{"make a pod", "POST", v1 + "/namespaces/TENANT/pods" + dry, `{"metadata":{"name":"invented"},"spec":{"containers":[{"name":"c","image":"c"}]}}`},
	{"change a pod", "PATCH", v1 + "/namespaces/" + system + "/pods/AGENT" + dry, empty},
	{"delete a pod", "DELETE", v1 + "/namespaces/" + system + "/pods/AGENT" + dry, ""},
	{"evict a pod", "POST", v1 + "/namespaces/" + system + "/pods/AGENT/eviction" + dry, `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"AGENT"}}`},
	{"execute in another agent", "POST", v1 + "/namespaces/" + system + "/pods/AGENT/exec?container=agent&command=/netlab-agent", ""},
	{"read another agent's log", "GET", v1 + "/namespaces/" + system + "/pods/AGENT/log", ""},
	{"forward another agent's ports", "POST", v1 + "/namespaces/" + system + "/pods/AGENT/portforward", ""},
	{"add a container to another agent", "PATCH", v1 + "/namespaces/" + system + "/pods/AGENT/ephemeralcontainers" + dry, empty},

	{"read a node", "GET", v1 + "/nodes/OTHER", ""},
	{"change its own node", "PATCH", v1 + "/nodes/OWN" + dry, empty},
	{"label another node", "PATCH", v1 + "/nodes/OTHER" + dry, `{"metadata":{"labels":{"stolen":"yes"}}}`},
	{"write a node's status", "PATCH", v1 + "/nodes/OTHER/status" + dry, empty},
	{"delete a node", "DELETE", v1 + "/nodes/OTHER" + dry, ""},
	{"ask a node's kubelet", "GET", v1 + "/nodes/OTHER/proxy/pods", ""},

	{"take the controller's Lease", "PATCH", "/apis/coordination.k8s.io/v1/namespaces/" + system + "/leases/netlab-controller" + dry, empty},
	{"renew a node's Lease", "PATCH", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/OTHER" + dry, empty},
	{"get the controller's token", "POST", v1 + "/namespaces/" + system + "/serviceaccounts/netlab-controller/token", `{"spec":{}}`},
	{"get another token of its own", "POST", v1 + "/namespaces/" + system + "/serviceaccounts/netlab-agent/token", `{"spec":{}}`},
	{"make a ServiceAccount", "POST", v1 + "/namespaces/TENANT/serviceaccounts" + dry, `{"metadata":{"name":"invented"}}`},

	{"give itself more rights", "PATCH", rbacAPI + "/clusterroles/netlab-agent" + dry, `{"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}`},
	{"bind itself to cluster-admin", "POST", rbacAPI + "/clusterrolebindings" + dry, `{"metadata":{"name":"invented"},` +
		`"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"ServiceAccount","namespace":"` + system + `","name":"netlab-agent"}]}`},
	{"take the policy on reports away", "DELETE", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/netlab-agent-own-node" + dry, ""},
	{"unbind the policy on reports", "DELETE", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/netlab-agent-own-node" + dry, ""},
	{"change a CRD", "PATCH", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/netlabs.netlab.dev" + dry, empty},
	{"delete a CRD", "DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/netlabs.netlab.dev" + dry, ""},
	{"change the DaemonSet", "PATCH", "/apis/apps/v1/namespaces/" + system + "/daemonsets/netlab-agent" + dry, empty},
	{"make a Deployment", "POST", "/apis/apps/v1/namespaces/TENANT/deployments" + dry, `{"metadata":{"name":"invented"}}`},
	{"delete a namespace", "DELETE", v1 + "/namespaces/TENANT" + dry, ""},
	{"list all Events", "GET", v1 + "/events", ""},
}

// An attacker on a node has the token of that node's agent. It permits reading labs and
// nodes and for that node's own report.
func TestAnAgentsTokenIsRefusedEverythingElse(t *testing.T) {
	s := beginBeside(t)
	fill := places(t)
	ask := as(t, fill["OWN"], nil)
	for _, c := range needed {
		if status, said := ask(t, c.filled(fill)); status >= 300 {
			t.Errorf("needed: %s: %s %s: %d %s", c.what, c.method, c.path, status, said)
		}
	}
	denied, tried := 0, 0
	refuse := func(what string, status int, said string) {
		tried++
		if status == http.StatusForbidden {
			denied++
			return
		}
		t.Errorf("not forbidden: %s: %d %s", what, status, said)
	}
	for _, c := range forbidden {
		status, said := ask(t, c.filled(fill))
		refuse(c.what, status, said)
		t.Logf("%-45s %d", c.what, status)
	}
	for _, who := range impersonations {
		status, said := as(t, fill["OWN"], &who)(t, call{method: "GET", path: v1 + "/secrets"})
		refuse("be "+who.UserName, status, said)
		t.Logf("%-45s %d", "be "+who.UserName, status)
	}
	s.counted("%d forbidden calls tried, %d denied; %d needed calls allowed", tried, denied, len(needed))
}

// impersonations are those an intruder would like to be.
var impersonations = []rest.ImpersonationConfig{
	{UserName: "kubernetes-admin", Groups: []string{"system:masters"}},
	{UserName: "system:serviceaccount:netlab-system:netlab-controller"},
	{UserName: "system:kube-controller-manager"},
}

func (c call) filled(places map[string]string) call {
	for name, value := range places {
		c.path, c.body = strings.ReplaceAll(c.path, name, value), strings.ReplaceAll(c.body, name, value)
	}
	return c
}

// places are what the placeholders stand for.
func places(t *testing.T) map[string]string {
	t.Helper()
	pods := agents(t)
	if len(pods) < 2 {
		t.Fatal("this story needs another node, and there is only one")
	}
	ns := tenant(t, "rights")
	meta := metav1.ObjectMeta{Namespace: ns, Name: "victim"}
	ensure(t, &corev1.Secret{ObjectMeta: meta}, &corev1.ConfigMap{ObjectMeta: meta}, single(ns, "victim"))
	return map[string]string{
		"OWN": pods[0].Spec.NodeName, "OTHER": pods[1].Spec.NodeName, "AGENT": pods[1].Name, "TENANT": ns,
	}
}

// as returns a way to call the API server with the token that the agent of a node has: bound to
// its pod, like the one the kubelet gives it.
func as(t *testing.T, node string, who *rest.ImpersonationConfig) func(*testing.T, call) (status int, said string) {
	t.Helper()
	config := rest.AnonymousClientConfig(api.config)
	config.BearerToken = agentToken(t, agentOn(t, node))
	if who != nil {
		config.Impersonate = *who
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, c call) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), c.method, api.config.Host+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if c.method == http.MethodPatch {
			request.Header.Set("Content-Type", "application/merge-patch+json")
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		said, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(said)
	}
}
