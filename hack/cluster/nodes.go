// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// add makes a node that joins the cluster, and returns when it is Ready.
func (s *supervisor) add(ctx context.Context, name string) error {
	h, err := s.power(ctx, name, 0)
	if err != nil {
		return err
	}
	return s.join(ctx, h)
}

// power makes a machine and switches it on. Number 0 is the lowest that is free.
func (s *supervisor) power(ctx context.Context, name string, number int) (*host, error) {
	h, err := s.register(name, number)
	if err != nil {
		return nil, err
	}
	if err := h.write(); err != nil {
		return nil, err
	}
	return h, s.switchOn(ctx, h)
}

func (s *supervisor) switchOn(ctx context.Context, h *host) error {
	images, err := s.kept()
	if err != nil {
		return err
	}
	if err := h.switchOn(ctx); err != nil {
		return err
	}
	return h.load(ctx, images)
}

func (s *supervisor) register(name string, number int) (*host, error) {
	if problems := validation.IsDNS1123Label(name); problems != nil || len(name) > longestName {
		return nil, fmt.Errorf("a name is a DNS label of at most %d characters: %v", longestName, problems)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists := s.nodes[name]; exists {
		return nil, errors.New("it exists")
	}
	if number == 0 {
		number = s.freeNumber()
	}
	if number > mostNodes {
		return nil, fmt.Errorf("there are addresses for %d nodes only", mostNodes)
	}
	h := &host{node: s.template}
	h.Name, h.Number = name, number
	s.nodes[name] = h
	return h, nil
}

// freeNumber is called with the lock held.
func (s *supervisor) freeNumber() int {
	taken := map[int]bool{}
	for _, h := range s.nodes {
		taken[h.Number] = true
	}
	number := 1
	for taken[number] {
		number++
	}
	return number
}

// remove takes a node out of the cluster and removes everything it has.
func (s *supervisor) remove(ctx context.Context, name string) error {
	h, err := s.find(name)
	if err != nil {
		return err
	}
	if err := h.switchOff(ctx); err != nil {
		return err
	}
	if err := s.api.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err := os.RemoveAll(string(h.directory())); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.nodes, name)
	return nil
}

// stop is what a power failure does: everything on /run and in memory is gone, /var stays.
func (s *supervisor) stop(ctx context.Context, name string) error {
	h, err := s.find(name)
	if err != nil {
		return err
	}
	return h.switchOff(ctx)
}

// start boots a stopped node, and returns when it is Ready.
func (s *supervisor) start(ctx context.Context, name string) error {
	h, err := s.find(name)
	if err != nil {
		return err
	}
	if err := s.switchOn(ctx, h); err != nil {
		return err
	}
	return s.join(ctx, h)
}

func (s *supervisor) stopKubelet(ctx context.Context, name string) error {
	h, err := s.find(name)
	if err != nil {
		return err
	}
	return h.ask(ctx, "/kubelet/stop")
}

func (s *supervisor) startKubelet(ctx context.Context, name string) error {
	h, err := s.find(name)
	if err != nil {
		return err
	}
	return h.ask(ctx, "/kubelet/start")
}

func (s *supervisor) find(name string) (*host, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, exists := s.nodes[name]
	if !exists {
		return nil, errors.New("it does not exist")
	}
	return h, nil
}

// join starts a node's kubelet and returns when that has reported that it is Ready.
func (s *supervisor) join(ctx context.Context, h *host) error {
	start := time.Now().Truncate(time.Second) // as precise as reports are
	if err := h.ask(ctx, "/kubelet/start"); err != nil {
		return err
	}
	err := poll(ctx, 100*time.Millisecond, func(ctx context.Context) error {
		node, err := s.api.CoreV1().Nodes().Get(ctx, h.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return ready(node, start)
	})
	if err != nil {
		return fmt.Errorf("wait until it is Ready, see %s: %w", h.directory().variable()+"/log/kubelet.log", err)
	}
	return nil
}

// ready returns nil if the node has said since that it is Ready: what it said before it was
// stopped counts until the node controller notices.
func ready(node *corev1.Node, since time.Time) error {
	for _, c := range node.Status.Conditions {
		if c.Type != corev1.NodeReady {
			continue
		}
		if c.LastHeartbeatTime.Time.Before(since) {
			return fmt.Errorf("the last report is of %s", c.LastHeartbeatTime)
		}
		if c.Status != corev1.ConditionTrue {
			return fmt.Errorf("%s: %s", c.Reason, c.Message)
		}
		return nil
	}
	return errors.New("it has not reported yet")
}
