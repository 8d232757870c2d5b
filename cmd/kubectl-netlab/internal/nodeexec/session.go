// SPDX-License-Identifier: Apache-2.0

package nodeexec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// lookInterval is the time between two looks at the Pod.
	lookInterval = 200 * time.Millisecond
	// deleteLimit is how long deleting a pod may take, also after an interruption.
	deleteLimit = 10 * time.Second
)

// Run runs a session's command and deletes its Pod, also after an error or an interruption. It calls
// open only when the command can start, because Ctrl-C on a terminal in raw mode would not interrupt the
// wait. The error is Exec's, or the reason why the Pod does not run.
func (c *Cluster) Run(ctx context.Context, s Session, open func() (streams Streams, restore func(), err error), progress func(step string)) (err error) {
	pod, err := c.core.Pods(s.PodNamespace).Create(ctx, s.pod(), metav1.CreateOptions{})
	if err != nil {
		return explainForbidden(fmt.Errorf("create a Pod for the command on %s: %w", s.Agent.Spec.NodeName, err))
	}
	defer func() { err = errors.Join(err, c.remove(ctx, pod)) }()
	progress(fmt.Sprintf("waiting for Pod %s/%s on %s", pod.Namespace, pod.Name, pod.Spec.NodeName))
	if err := c.awaitRunning(ctx, pod, s.StartLimit); err != nil {
		return err
	}
	streams, restore, err := open()
	if err != nil {
		return err
	}
	defer restore()
	return c.Exec(ctx, pod, commandContainer, s.enter(), streams)
}

func (c *Cluster) remove(ctx context.Context, pod *corev1.Pod) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteLimit)
	defer cancel()
	err := c.core.Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &pod.UID},
	})
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("delete the Pod of the command (the cluster stops it after %s; delete it with: kubectl -n %s delete pod %s): %w",
		time.Duration(*pod.Spec.ActiveDeadlineSeconds)*time.Second, pod.Namespace, pod.Name, err)
}

func (c *Cluster) awaitRunning(ctx context.Context, pod *corev1.Pod, limit time.Duration) error {
	var now *corev1.Pod
	err := wait.PollUntilContextTimeout(ctx, lookInterval, limit, true, func(ctx context.Context) (bool, error) {
		seen, err := c.core.Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		now = seen
		return runs(seen)
	})
	if err == nil {
		return nil
	}
	if ctx.Err() == nil && wait.Interrupted(err) {
		err = fmt.Errorf("it is not running after %s%s", limit, waitingFor(now))
	}
	return fmt.Errorf("wait for Pod %s/%s on %s: %w", pod.Namespace, pod.Name, pod.Spec.NodeName, err)
}

// runs reports whether the Pod is ready for the command; the error says why it never will be.
func runs(pod *corev1.Pod) (bool, error) {
	if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		why := strings.Fields(pod.Status.Reason + " " + pod.Status.Message + " " + ended(pod))
		return false, fmt.Errorf("it has ended: %s", strings.Join(why, " "))
	}
	for _, s := range statuses(pod) {
		if s.State.Waiting != nil && slices.Contains(hopeless, s.State.Waiting.Reason) {
			return false, fmt.Errorf("image %s: %s: %s", s.Image, s.State.Waiting.Reason, s.State.Waiting.Message)
		}
	}
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool {
		return s.Name == commandContainer && s.State.Running != nil
	}), nil
}

// hopeless are reasons after which the kubelet retries, mostly in vain: the wait ends with the reason.
var hopeless = []string{
	"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
}

func statuses(pod *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}

func waitingFor(pod *corev1.Pod) string {
	if pod == nil {
		return ""
	}
	for _, s := range statuses(pod) {
		if s.State.Waiting != nil {
			return fmt.Sprintf(": container %s is waiting: %s %s", s.Name, s.State.Waiting.Reason, s.State.Waiting.Message)
		}
	}
	return fmt.Sprintf(": its phase is %s", pod.Status.Phase)
}

func ended(pod *corev1.Pod) string {
	for _, s := range statuses(pod) {
		if t := s.State.Terminated; t != nil && t.ExitCode != 0 {
			return fmt.Sprintf("container %s: %s %s (exit code %d)", s.Name, t.Reason, t.Message, t.ExitCode)
		}
	}
	return ""
}
