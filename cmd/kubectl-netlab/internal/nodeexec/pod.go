// SPDX-License-Identifier: Apache-2.0

package nodeexec

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// Session is one command in the network namespace of a lab's node, in a Pod of its own.
type Session struct {
	Lab *v1alpha1.NetLab
	// Node is a node of the lab.
	Node string
	// Agent is the pod of the agent on the machine that is meant.
	Agent *corev1.Pod
	// PodNamespace is where the pod for the command lives. It must admit privileged pods.
	PodNamespace string
	// Image is what the command is run in.
	Image   string
	Command []string
	// TimeLimit is after how long the cluster stops the pod.
	TimeLimit time.Duration
	// StartLimit is how long the pod may take to run.
	StartLimit time.Duration
}

const (
	// SessionName is the label app.kubernetes.io/name of the Pods of sessions.
	SessionName = "netlab-exec"

	commandContainer = "command"
	programVolume    = "program"
	programDir       = "/.netlab"
	program          = programDir + "/netlab-agent"
	labsVolume       = "run-netlab"
	labsDir          = "/run/netlab"
)

// pod is the manifest. Entering a namespace takes the rights of the node's root, so the container
// is privileged; it has no token of the cluster. It sees the namespaces that are there now and
// those that come, but makes no mount that the node would see.
func (s Session) pod() *corev1.Pod {
	labels := map[string]string{"app.kubernetes.io/name": SessionName, "app.kubernetes.io/part-of": "netlab"}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.PodNamespace, GenerateName: SessionName + "-", Labels: labels,
			Annotations: map[string]string{v1alpha1.Group + "/lab": s.Lab.Namespace + "/" + s.Lab.Name + "/" + s.Node},
		},
		Spec: corev1.PodSpec{
			NodeName:                      s.Agent.Spec.NodeName,
			Tolerations:                   []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         new(int64(s.TimeLimit.Seconds())),
			TerminationGracePeriodSeconds: new(int64(1)),
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
			ImagePullSecrets:              s.Agent.Spec.ImagePullSecrets,
			InitContainers:                []corev1.Container{s.installer()},
			Containers:                    []corev1.Container{s.command()},
			Volumes: []corev1.Volume{
				{Name: programVolume, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				{Name: labsVolume, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{
					Path: labsDir, Type: new(corev1.HostPathDirectory),
				}}},
			},
		},
	}
}

func (s Session) installer() corev1.Container {
	return corev1.Container{
		Name: "install", Image: image(s.Agent), ImagePullPolicy: corev1.PullIfNotPresent,
		Command: []string{AgentProgram, "install", program},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false),
			ReadOnlyRootFilesystem:   new(true),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
		VolumeMounts: []corev1.VolumeMount{{Name: programVolume, MountPath: programDir}},
	}
}

func (s Session) command() corev1.Container {
	return corev1.Container{
		Name: commandContainer, Image: s.Image, ImagePullPolicy: corev1.PullIfNotPresent,
		Command:         []string{program, "wait"},
		SecurityContext: &corev1.SecurityContext{Privileged: new(true), RunAsUser: new(int64(0)), RunAsNonRoot: new(false)},
		VolumeMounts: []corev1.VolumeMount{
			{Name: programVolume, MountPath: programDir, ReadOnly: true},
			{Name: labsVolume, MountPath: labsDir, ReadOnly: true, MountPropagation: new(corev1.MountPropagationHostToContainer)},
		},
	}
}

// enter is what is run in the pod.
func (s Session) enter() []string {
	return append([]string{
		program, "enter", "--namespace=" + s.Lab.Namespace, "--lab=" + s.Lab.Name, "--uid=" + string(s.Lab.UID), "--node=" + s.Node, "--",
	}, s.Command...)
}
