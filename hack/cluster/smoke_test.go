// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These stories need root, the packages of deps.sh, the Kubernetes programs ($KUBEBUILDER_ASSETS, else
// built) and the images of hack/package/image in bin/images:
//
//	go test -tags cluster -v ./hack/cluster

// TestMain lets the test binary be the program: it starts itself as supervisor and machines.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "netlab-cluster" {
		main()
		return
	}
	if err := os.Chdir("../.."); err != nil { // where up finds hack/assets and hack/package/image
		panic(err)
	}
	os.Exit(m.Run())
}

func TestAPodRunsAndDownLeavesNothing(t *testing.T) {
	c := newCluster(t)
	start := time.Now()
	c.run("up", "--nodes", "1")
	t.Logf("up --nodes 1: %.1f s", time.Since(start).Seconds())
	c.run("load", toolbox())
	c.apply(pod("p", "node-1"))
	c.kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=60s")

	if got := c.kubectl("exec", "p", "--", "busybox", "hostname"); got != "p" {
		t.Errorf("exec: the pod calls itself %q", got)
	}
	if got := c.kubectl("logs", "p"); got != "hello" {
		t.Errorf("logs: %q", got)
	}
	// Pods find the API server at the address of its Service, and the control plane finds pods.
	c.kubectl("exec", "p", "--", "busybox", "nc", "-w", "5", "10.96.0.1", "443")
	address := c.kubectl("get", "pod", "p", "-o", "jsonpath={.status.podIP}")
	c.run("run", "--", "ping", "-c", "1", "-W", "5", address)
	// What a pod mounts for all reaches its node.
	if got := c.run("node", "exec", "node-1", "--", "ls", "/run/shared/mounted"); got != "here" {
		t.Errorf("the node sees %q in what the pod mounted", got)
	}

	start = time.Now()
	c.run("down")
	t.Logf("down: %.1f s", time.Since(start).Seconds())
	c.wantNothingLeft()
	c.run("down") // and there is nothing to do
}

func TestHoweverTheSupervisorIsKilledDownLeavesNothing(t *testing.T) {
	for generation, process := range []string{"outer", "init", "supervisor"} {
		t.Run(process, func(t *testing.T) {
			c := newCluster(t)
			c.run("up", "--nodes", "1")
			c.run("load", toolbox())
			c.apply(pod("p", "node-1"))
			c.kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=60s")
			victim := c.sandbox()[generation]
			t.Logf("kill -9 of process %d of %d, %s", victim, len(c.processes()), process)
			if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			c.wantAllEnded()
			c.run("down")
			c.wantNothingLeft()
		})
	}
}

func TestNodesComeAndGo(t *testing.T) {
	c := newCluster(t)
	start := time.Now()
	c.run("up", "--nodes", "2")
	t.Logf("up --nodes 2: %.1f s", time.Since(start).Seconds())
	c.run("load", toolbox())
	c.run("node", "add", "late")
	c.apply(pod("p", "late")) // loaded before the node was there
	c.kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=60s")

	c.run("node", "exec", "node-2", "--", "touch", "/run/lost", "/var/kept")
	c.run("node", "stop", "node-2")
	c.wantProblem("it is not running", "node", "exec", "node-2", "--", "true")
	c.run("node", "start", "node-2")
	if got := c.run("node", "exec", "node-2", "--", "sh", "-c", "ls /run/lost /var/kept 2>/dev/null || true"); got != "/var/kept" {
		t.Errorf("after a power failure there is %q", got)
	}

	c.run("node", "kubelet-stop", "node-1")
	if got := c.run("node", "exec", "node-1", "--", "ps", "-e", "-o", "comm="); strings.Contains(got, "kubelet") || !strings.Contains(got, "containerd") {
		t.Errorf("without a kubelet there run: %s", got)
	}
	c.run("node", "kubelet-start", "node-1")

	c.run("apiserver", "stop")
	c.wantProblem("refused", "run", "--", "kubectl", "get", "nodes")
	c.run("apiserver", "start")

	c.run("node", "remove", "late")
	if got := c.kubectl("get", "nodes", "-o", "name"); got != "node/node-1\nnode/node-2" {
		t.Errorf("the nodes are %q", got)
	}
	c.wantProblem("it does not exist", "node", "stop", "late")
	c.run("down")
	c.wantNothingLeft()
}

func TestAClusterThatCannotStartLeavesNothing(t *testing.T) {
	c := newCluster(t)
	c.wantProblem("not done after 3s", "up", "--nodes", "1", "--timeout", "3s")
	c.wantNothingLeft()
}
