// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
)

// Cache limits the cache of a controller's manager: labels of Nodes, node and readiness of agents' Pods,
// and one copy of each text in reports.
func Cache(namespace string) cache.Options {
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			cluster.NodeMetadata():      {Transform: cluster.KeepLabels},
			&v1alpha1.NetLabNodeState{}: {Transform: newTexts().shareAll},
			&corev1.Pod{}: {
				Namespaces: map[string]cache.Config{namespace: {}},
				Label:      labels.SelectorFromSet(labels.Set(agentPodLabels)),
				Transform:  keepReadiness,
			},
		},
	}
}

// keepReadiness drops all of a pod but its node and its readiness.
func keepReadiness(o any) (any, error) {
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return o, nil
	}
	slim := &corev1.Pod{TypeMeta: pod.TypeMeta, ObjectMeta: metav1.ObjectMeta{
		Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		ResourceVersion: pod.ResourceVersion, CreationTimestamp: pod.CreationTimestamp,
	}}
	slim.Spec.NodeName = pod.Spec.NodeName
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			slim.Status.Conditions = []corev1.PodCondition{{Type: c.Type, Status: c.Status, LastTransitionTime: c.LastTransitionTime}}
		}
	}
	return slim, nil
}

// texts keeps one copy of equal texts. On a thousand nodes a lab's name, UID, reasons and messages would
// be there a thousand times.
type texts struct {
	mu    sync.Mutex
	known map[string]string
}

// maxTexts bounds the texts kept: those of deleted labs are not removed one by one.
const maxTexts = 1 << 16

func newTexts() *texts { return &texts{known: map[string]string{}} }

// shareAll is a transform for NetLabNodeStates.
func (t *texts) shareAll(o any) (any, error) {
	state, ok := o.(*v1alpha1.NetLabNodeState)
	if !ok {
		return o, nil
	}
	state.ManagedFields = nil
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) > maxTexts {
		clear(t.known)
	}
	if n := len(state.Status.Labs); n < cap(state.Status.Labs) { // decoding allocates too much
		state.Status.Labs = append(make([]v1alpha1.LabReport, 0, n), state.Status.Labs...)
	}
	for i := range state.Status.Labs {
		report := &state.Status.Labs[i]
		uid := string(report.UID)
		t.share(&report.Namespace, &report.Name, &uid, &report.Ready)
		report.UID = types.UID(uid)
		t.shareFindings(report.Findings)
	}
	return state, nil
}

// shareFindings is called with the lock held.
func (t *texts) shareFindings(found *v1alpha1.Findings) {
	if found == nil {
		return
	}
	for _, finding := range []*v1alpha1.Finding{&found.Accepted, &found.Realized, &found.Reachable} {
		status := string(finding.Status)
		t.share(&status, &finding.Reason, &finding.Message)
		finding.Status = metav1.ConditionStatus(status)
	}
}

// share is called with the lock held.
func (t *texts) share(all ...*string) {
	for _, text := range all {
		if known, ok := t.known[*text]; ok {
			*text = known
		} else {
			t.known[*text] = *text
		}
	}
}
