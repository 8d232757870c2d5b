// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// machinery runs a verb of hack/cluster, which has hands on nodes and API server.
func machinery(t *testing.T, args ...string) string {
	t.Helper()
	program := os.Getenv("NETLAB_CLUSTER")
	if program == "" {
		t.Fatal("NETLAB_CLUSTER does not name the program of hack/cluster: run this with make e2e")
	}
	out, err := try(program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// on runs a command in a node's mount and network namespaces.
func on(t *testing.T, node string, command ...string) string {
	t.Helper()
	return machinery(t, slices.Concat([]string{"node", "exec", node, "--"}, command)...)
}

// inLab runs a command in a network namespace of a lab.
func inLab(t *testing.T, node, netns string, command ...string) string {
	t.Helper()
	return on(t, node, slices.Concat([]string{"ip", "netns", "exec", netns}, command)...)
}

// labNamespaces are the network namespaces that the node's kernel has for a tenant's lab.
func labNamespaces(t *testing.T, node, tenant, lab string) []string {
	t.Helper()
	var list []string
	for name := range strings.FieldsSeq(on(t, node, "sh", "-c", "ls /run/netlab/netns 2>/dev/null || true")) {
		if strings.HasPrefix(name, tenant+"."+lab+".") {
			list = append(list, name)
		}
	}
	return list
}

// nothingLeft waits until no node has anything of a tenant's labs.
func nothingLeft(t *testing.T, tenant string) {
	t.Helper()
	everywhere := nodes(t)
	eventually(t, soon, "nothing of "+tenant+" is left on any node", func() error {
		var left []error
		for _, node := range everywhere {
			left = append(left, leftOn(t, node, tenant))
		}
		return errors.Join(left...)
	})
}

// remains lists what labs leave on a node: namespaces, records, locks, links into /run/netns,
// mounts. The names of all of them begin with the tenant's.
const remains = `{
find /run/netlab/netns /run/netlab/labs /run/netlab/locks -mindepth 1
find /run/netns -type l
grep -o '/run/netlab/netns/[^ ]*' /proc/self/mountinfo
} 2>/dev/null | grep "/$0"; true`

// leftOn says nil once a node has nothing of a tenant's labs, or of any if the tenant is "".
func leftOn(t *testing.T, node, tenant string) error {
	if left := strings.TrimSpace(on(t, node, "sh", "-c", remains, tenant)); left != "" {
		return fmt.Errorf("on %s: %s", node, strings.ReplaceAll(left, "\n", ", "))
	}
	return nil
}

// identities prints what changes when a link is created again, edited, or loses its carrier.
const identities = `for link in /sys/class/net/*; do cd $link; echo ${link##*/} $(cat ifindex iflink address mtu carrier_changes); done`

// links are the identities of all links of a lab on a node.
func links(t *testing.T, node, tenant, lab string) string {
	t.Helper()
	var all strings.Builder
	for _, netns := range labNamespaces(t, node, tenant, lab) {
		fmt.Fprintf(&all, "%s\n%s", netns, inLab(t, node, netns, "sh", "-c", identities))
	}
	return all.String()
}

// kill ends a pod's program with SIGKILL, as an accident would. The program has no help from
// its pod: its process is found by the pod's UID in its environment.
func kill(t *testing.T, pod corev1.Pod) {
	t.Helper()
	on(t, pod.Spec.NodeName, "kill", "-KILL", pidOf(t, pod))
}

// pidOf is the process of a pod's program, as the node sees it.
func pidOf(t *testing.T, pod corev1.Pod) string {
	t.Helper()
	pid, err := findPID(t, pod)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// findPID is pidOf for a program that may not run.
func findPID(t *testing.T, pod corev1.Pod) (string, error) {
	t.Helper()
	// A process that has ended has no environment, even before its parent has waited for it.
	const search = `grep -lz "^POD_UID=$0\$" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3`
	pids := strings.Fields(on(t, pod.Spec.NodeName, "sh", "-c", search, string(pod.UID)))
	if len(pids) != 1 {
		return "", fmt.Errorf("%d processes of pod %s on %s: %v", len(pids), pod.Name, pod.Spec.NodeName, pids)
	}
	return pids[0], nil
}
