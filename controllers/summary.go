// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/topology"
)

// Summary folds what the agents report into each NetLab's status.
type Summary struct {
	client    client.Client
	namespace string // of the agents' pods
	recorder  events.EventRecorder
	now       func() time.Time

	mu       sync.Mutex
	departed map[string]departure
}

// Reconcile gathers the facts about one lab and writes what they amount to, if that is news.
func (s *Summary) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	lab := &v1alpha1.NetLab{}
	if err := s.client.Get(ctx, request.NamespacedName, lab); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	facts, again, err := s.gather(ctx, lab)
	if err != nil {
		return reconcile.Result{}, err
	}
	status, recheck := summarize(facts)
	if err := s.write(ctx, lab, status); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: sooner(again, recheck)}, nil
}

// gather reads the facts from the cache.
func (s *Summary) gather(ctx context.Context, lab *v1alpha1.NetLab) (labFacts, time.Duration, error) {
	cluster, err := s.cluster(ctx)
	if err != nil {
		return labFacts{}, 0, err
	}
	selector, problems := nodeSelector(&lab.Spec)
	nodes, again := cluster.nodesFor(lab, selector)
	return labFacts{
		lab:      lab,
		problems: slices.Concat(topology.Validate(&lab.Spec), problems),
		nodes:    nodes,
		now:      cluster.now,
	}, again, nil
}

func (s *Summary) cluster(ctx context.Context) (clusterFacts, error) {
	nodes := &metav1.PartialObjectMetadataList{}
	nodes.SetGroupVersionKind(nodeKind.GroupVersion().WithKind("NodeList"))
	if err := s.client.List(ctx, nodes); err != nil {
		return clusterFacts{}, fmt.Errorf("list Nodes: %w", err)
	}
	pods := &corev1.PodList{}
	if err := s.client.List(ctx, pods, client.InNamespace(s.namespace), agentPodLabels); err != nil {
		return clusterFacts{}, fmt.Errorf("list the agents' Pods: %w", err)
	}
	states := &v1alpha1.NetLabNodeStateList{}
	if err := s.client.List(ctx, states); err != nil {
		return clusterFacts{}, fmt.Errorf("list NetLabNodeStates: %w", err)
	}
	return clusterFacts{
		nodes: nodes.Items, pods: pods.Items, states: states.Items, departed: s.departures(), now: s.now(),
	}, nil
}

// write patches the status if it says something else than before. If the lab has changed
// meanwhile, nothing is written: the change comes by as an event of its own.
func (s *Summary) write(ctx context.Context, lab *v1alpha1.NetLab, status v1alpha1.NetLabStatus) error {
	if equality.Semantic.DeepEqual(lab.Status, status) {
		return nil
	}
	before := lab.DeepCopy()
	switch err := replaceStatus(ctx, s.client, lab, status, lab.ResourceVersion); {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("write the status of NetLab %s/%s: %w", lab.Namespace, lab.Name, err)
	}
	s.announce(before, lab)
	return nil
}

// announce writes a Kubernetes Event when Ready changes its status or reason.
func (s *Summary) announce(before, lab *v1alpha1.NetLab) {
	is := meta.FindStatusCondition(lab.Status.Conditions, v1alpha1.ConditionReady)
	was := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady)
	if was != nil && was.Status == is.Status && was.Reason == is.Reason {
		return
	}
	severity := corev1.EventTypeNormal
	if is.Status == metav1.ConditionFalse && is.Reason != v1alpha1.ReasonProgressing {
		severity = corev1.EventTypeWarning
	}
	s.recorder.Eventf(lab, nil, severity, is.Reason, "Summarize", "%s", note(is.Message))
}

// departs notes that an agent's pod is gone.
func (s *Summary) departs(pod *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.departed[pod.Spec.NodeName] = departure{pod: pod.UID, at: s.now()}
}

// departures returns what is not yet forgotten.
func (s *Summary) departures() map[string]departure {
	s.mu.Lock()
	defer s.mu.Unlock()
	recent := map[string]departure{}
	for node, d := range s.departed {
		if s.now().Sub(d.at) < reportGrace {
			recent[node] = d
		}
	}
	s.departed = recent
	return recent
}

// labsIn lists the labs whose reports differ between two statuses of a node: all of both if
// another agent reports.
func labsIn(before, after v1alpha1.NetLabNodeStateStatus) []types.NamespacedName {
	old := map[types.NamespacedName]v1alpha1.LabReport{}
	for _, report := range before.Labs {
		old[nameIn(report)] = report
	}
	var changed []types.NamespacedName
	for _, report := range after.Labs {
		was, known := old[nameIn(report)]
		if !known || before.Agent != after.Agent || !equality.Semantic.DeepEqual(was, report) {
			changed = append(changed, nameIn(report))
		}
		delete(old, nameIn(report))
	}
	for name := range old {
		changed = append(changed, name)
	}
	return changed
}

func nameIn(report v1alpha1.LabReport) types.NamespacedName {
	return types.NamespacedName{Namespace: report.Namespace, Name: report.Name}
}

// everyLab lists all labs.
func (s *Summary) everyLab(ctx context.Context) []reconcile.Request {
	var list v1alpha1.NetLabList
	if err := s.client.List(ctx, &list); err != nil {
		logf.FromContext(ctx).Error(err, "Labs will be summarized later")
	}
	return requestsFor(namesOf(list.Items))
}
