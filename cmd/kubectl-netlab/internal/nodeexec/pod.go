// SPDX-License-Identifier: Apache-2.0

package nodeexec

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// Visit is a command that is run in the network namespace of a lab's node.
type Visit struct {
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
	// VisitName is in the label app.kubernetes.io/name of pods that are there for one command.
	VisitName = "netlab-exec"

	visitContainer = "command"
	programVolume  = "program"
	programDir     = "/.netlab"
	program        = programDir + "/netlab-agent"
	labsVolume     = "run-netlab"
	labsDir        = "/run/netlab"
)

// pod is the manifest. Entering a namespace takes the rights of the node's root, so the container
// is privileged; it has no token of the cluster. It sees the namespaces that are there now and
// those that come, but makes no mount that the node would see.
func (v Visit) pod() *corev1.Pod {
	labels := map[string]string{"app.kubernetes.io/name": VisitName, "app.kubernetes.io/part-of": "netlab"}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: v.PodNamespace, GenerateName: VisitName + "-", Labels: labels,
			Annotations: map[string]string{v1alpha1.Group + "/lab": v.Lab.Namespace + "/" + v.Lab.Name + "/" + v.Node},
		},
		Spec: corev1.PodSpec{
			NodeName:                      v.Agent.Spec.NodeName,
			Tolerations:                   []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         new(int64(v.TimeLimit.Seconds())),
			TerminationGracePeriodSeconds: new(int64(1)),
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
			ImagePullSecrets:              v.Agent.Spec.ImagePullSecrets,
			InitContainers:                []corev1.Container{v.installer()},
			Containers:                    []corev1.Container{v.visitor()},
			Volumes: []corev1.Volume{
				{Name: programVolume, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				{Name: labsVolume, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{
					Path: labsDir, Type: new(corev1.HostPathDirectory),
				}}},
			},
		},
	}
}

func (v Visit) installer() corev1.Container {
	return corev1.Container{
		Name: "install", Image: image(v.Agent), ImagePullPolicy: corev1.PullIfNotPresent,
		Command: []string{AgentProgram, "install", program},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false),
			ReadOnlyRootFilesystem:   new(true),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
		VolumeMounts: []corev1.VolumeMount{{Name: programVolume, MountPath: programDir}},
	}
}

func (v Visit) visitor() corev1.Container {
	return corev1.Container{
		Name: visitContainer, Image: v.Image, ImagePullPolicy: corev1.PullIfNotPresent,
		Command:         []string{program, "wait"},
		SecurityContext: &corev1.SecurityContext{Privileged: new(true), RunAsUser: new(int64(0)), RunAsNonRoot: new(false)},
		VolumeMounts: []corev1.VolumeMount{
			{Name: programVolume, MountPath: programDir, ReadOnly: true},
			{Name: labsVolume, MountPath: labsDir, ReadOnly: true, MountPropagation: new(corev1.MountPropagationHostToContainer)},
		},
	}
}

// enter is what is run in the pod.
func (v Visit) enter() []string {
	return append([]string{
		program, "enter", "--namespace=" + v.Lab.Namespace, "--lab=" + v.Lab.Name, "--uid=" + string(v.Lab.UID), "--node=" + v.Node, "--",
	}, v.Command...)
}
