// SPDX-License-Identifier: Apache-2.0

package nodeexec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

func newNamespace(level string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "test-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": level},
	}}
}

func lab(summaries ...v1alpha1.NodeSummary) *v1alpha1.NetLab {
	l := &v1alpha1.NetLab{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "pair", UID: "6f1e"}}
	l.Status.NodeSummaries = summaries
	return l
}

func agentPod(node string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "netlab-agent-", Labels: map[string]string{"app.kubernetes.io/name": "netlab-agent"}},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "agent", Image: "netlab-agent:v9"}}},
	}
}

func session(namespace string) Session {
	return Session{
		Lab: lab(), Node: "ns1", Agent: agentPod("node-2"), PodNamespace: namespace, Image: "busybox:1.37",
		Command: []string{"ip", "addr"}, TimeLimit: time.Hour, StartLimit: time.Minute,
	}
}

// Every field of the manifest is one the API server knows, and its value stays as it is.
func TestTheAPIServerTakesThePodOfACommand(t *testing.T) {
	c := admin(t)
	pod := session(namespace(t, c, "privileged")).pod()
	pod.Name = "once"
	manifest, err := json.Marshal(withType(pod))
	if err != nil {
		t.Fatal(err)
	}
	stored := &corev1.Pod{}
	err = c.core.RESTClient().Post().Namespace(pod.Namespace).Resource("pods").
		Param("dryRun", "All").Param("fieldValidation", "Strict").Body(manifest).Do(t.Context()).Into(stored)
	if err != nil {
		t.Fatal(err)
	}
	spec := stored.Spec
	if spec.NodeName != "node-2" || *spec.AutomountServiceAccountToken || *spec.ActiveDeadlineSeconds != 3600 || spec.HostNetwork || spec.HostPID {
		t.Errorf("stored as %+v", spec)
	}
	if v := spec.Containers[0]; !*v.SecurityContext.Privileged || *v.VolumeMounts[1].MountPropagation != corev1.MountPropagationHostToContainer || v.Image != "busybox:1.37" {
		t.Errorf("the command's container is stored as %+v", v)
	}
	if i := spec.InitContainers[0]; i.Image != "netlab-agent:v9" || !slices.Equal(i.Command, []string{"/netlab-agent", "install", "/.netlab/netlab-agent"}) {
		t.Errorf("the first container is stored as %+v", i)
	}
}

func withType(pod *corev1.Pod) *corev1.Pod {
	pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	return pod
}

func TestTheCommandIsEnteredByTheUIDOfTheLab(t *testing.T) {
	want := "/.netlab/netlab-agent enter --namespace=team --lab=pair --uid=6f1e --node=ns1 -- ip addr"
	if got := strings.Join(session("x").enter(), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Without a kubelet a pod never runs: what was waited for is said, and the pod is gone.
func TestAPodThatDoesNotRunIsDeleted(t *testing.T) {
	c := admin(t)
	v := session(namespace(t, c, "privileged"))
	v.StartLimit = time.Second
	err := c.Run(t.Context(), v, nil, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "it is not running after 1s: its phase is Pending") {
		t.Errorf("got %v", err)
	}
	left, err := c.core.Pods(v.PodNamespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range left.Items {
		if pod.DeletionTimestamp == nil {
			t.Errorf("left: %s", pod.Name)
		}
	}
}

func TestANamespaceThatAdmitsNoPrivilegedPods(t *testing.T) {
	c := admin(t)
	err := c.Run(t.Context(), session(namespace(t, c, "baseline")), nil, func(string) {})
	if err == nil || !strings.Contains(err.Error(), `create a Pod for the command on node-2: `) || !strings.Contains(err.Error(), "violates PodSecurity") {
		t.Errorf("got %v", err)
	}
}

// A refusal names the right that is missing, and what everybody has.
func TestATenantHearsWhatIsMissing(t *testing.T) {
	root, c := admin(t), tenant(t)
	system := namespace(t, root, "privileged")
	agent := agent(t, root, system, "node-1", true)
	_, list := c.Agent(t.Context(), system, lab(), "node-1")
	for right, err := range map[string]error{
		`cannot list resource "pods"`:        list,
		`cannot create resource "pods/exec"`: c.Ask(t.Context(), agent, []string{"pingall"}, Streams{}),
		`cannot create resource "pods"`:      c.Run(t.Context(), session(system), nil, func(string) {}),
	} {
		if err == nil || !strings.Contains(err.Error(), right) || !strings.Contains(err.Error(), "status NAME and explain NAME [PROBE]") {
			t.Errorf("%s: got %v", right, err)
		}
	}
}

func TestWhichAgentIsAsked(t *testing.T) {
	c := admin(t)
	system := namespace(t, c, "privileged")
	for node, ready := range map[string]bool{"node-1": false, "node-2": true, "node-3": true} {
		agent(t, c, system, node, ready)
	}
	on := func(name string, ready metav1.ConditionStatus) v1alpha1.NodeSummary {
		return v1alpha1.NodeSummary{Name: name, Ready: ready}
	}
	for name, want := range map[string]struct {
		lab  *v1alpha1.NetLab
		node string
		got  string
	}{
		"the first by name":                  {lab(on("node-3", "True"), on("node-2", "True")), "", "node-2"},
		"one where it is Ready first":        {lab(on("node-2", "False"), on("node-3", "True")), "", "node-3"},
		"one with an agent":                  {lab(on("node-1", "True"), on("node-3", "True")), "", "node-3"},
		"the one that is named":              {lab(on("node-2", "True")), "node-3", "node-3"},
		"none whose state is unknown":        {lab(on("node-2", "Unknown"), on("node-3", "True")), "", "node-3"},
		"no node reports the lab":            {lab(on("node-2", "Unknown")), "", "no node reports team/pair: check status pair, or choose a node with --node"},
		"the one that is named has no agent": {lab(on("node-2", "True")), "node-9", "no agent is ready in namespace " + system + " on node-9; nodes that run the lab: node-2"},
	} {
		pod, err := c.Agent(t.Context(), system, want.lab, want.node)
		got := fmt.Sprint(err)
		if pod != nil {
			got = pod.Spec.NodeName
		}
		if got != want.got {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want.got)
		}
	}
}

func agent(t *testing.T, c *Cluster, namespace, node string, ready bool) *corev1.Pod {
	t.Helper()
	pod, err := c.core.Pods(namespace).Create(t.Context(), agentPod(node), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}}
	if ready {
		pod.Status.Conditions[0].Status = corev1.ConditionTrue
	}
	if _, err := c.core.Pods(namespace).UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	return pod
}

// What keeps a pod from running is told at once where waiting is in vain.
func TestWhetherTheCommandCanBeRun(t *testing.T) {
	waiting := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "because"}}
	}
	command := func(s corev1.ContainerState) corev1.PodStatus {
		return corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{Name: commandContainer, Image: "x:1", State: s}}}
	}
	for name, c := range map[string]struct {
		status corev1.PodStatus
		runs   bool
		err    string
	}{
		"nothing is known":       {corev1.PodStatus{Phase: corev1.PodPending}, false, ""},
		"it is being made":       {command(waiting("ContainerCreating")), false, ""},
		"it runs":                {command(corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}), true, ""},
		"there is no such image": {command(waiting("ErrImagePull")), false, "image x:1: ErrImagePull: because"},
		"the agent's image is gone": {corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{{Image: "netlab-agent:v9", State: waiting("ErrImageNeverPull")}}},
			false, "image netlab-agent:v9: ErrImageNeverPull: because"},
		"the node refuses it": {corev1.PodStatus{Phase: corev1.PodFailed, Reason: "NodeAffinity", Message: "no"}, false, "it has ended: NodeAffinity no"},
		"it ended": {corev1.PodStatus{Phase: corev1.PodFailed, InitContainerStatuses: []corev1.ContainerStatus{{
			Name: "install", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 1}},
		}}}, false, "it has ended: container install: Error"},
	} {
		got, err := runs(&corev1.Pod{Status: c.status})
		if got != c.runs || (err == nil) != (c.err == "") || err != nil && !strings.HasPrefix(err.Error(), c.err) {
			t.Errorf("%s: %t, %v; want %t, %s", name, got, err, c.runs, c.err)
		}
	}
}
