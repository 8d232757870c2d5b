// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// neighbours are labs on the same nodes as the one with the stream.
const neighbours = 4

// Whatever happens to the agent, the labs do not notice: not a packet of 1,000 a second is lost,
// and the next agent writes nothing into the kernel: by its own count, by what the namespaces'
// own event streams say, and by the links' indexes and carriers.
func TestLabsKeepEveryPacketWhile(t *testing.T) {
	ns := tenant(t, "disturbed")
	labs := []*v1alpha1.NetLab{routedPair(t, ns, "streaming")}
	for i := range neighbours {
		labs = append(labs, routedPair(t, ns, fmt.Sprintf("neighbour-%d", i)))
	}
	createReady(t, labs...)
	for _, disturbance := range []struct {
		name    string
		disturb func(*testing.T, corev1.Pod)
	}{
		{"TheAgentIsKilled", kill},
		{"TheAgentsPodIsDeleted", deletePod},
		{"TheAgentsAreRolled", rollAgents},
		{"TheAgentsAreUpgraded", upgradeAgents},
	} {
		t.Run(disturbance.name, func(t *testing.T) { undisturbed(t, begin(t), labs, disturbance.disturb) })
	}
}

// undisturbed disturbs the agent of the first node, with the stream in the first lab.
func undisturbed(t *testing.T, s *story, labs []*v1alpha1.NetLab, disturb func(*testing.T, corev1.Pod)) {
	t.Cleanup(func() {
		if t.Failed() {
			logCluster(t)
		}
	})
	ns, node := labs[0].Namespace, nodes(t)[0]
	before, old := links(t, node, ns, "streaming"), agentOn(t, node)
	events := watchKernel(t, node, ns, "streaming")
	stream := startStream(t, node, ns, "streaming", pairPath)

	disturb(t, old)

	fresh := nextAgent(t, old)
	metrics := comparedAll(t, fresh, len(labs))
	tally, written := stream.end(t), events.end(t)
	s.counted("%d packets sent, %d lost, longest gap %s", tally.Sent, tally.Lost, tally.LongestGap.Round(time.Millisecond))
	s.counted("kernel operations of the new agent: %.0f in %.0f looks; kernel events in the lab: %d",
		metrics.sum(t, "netlab_operations_total"), metrics.sum(t, "netlab_converge_seconds_count"), len(written))
	if tally.Lost != 0 || tally.Duplicates != 0 || tally.Sent == 0 {
		t.Errorf("the stream: %+v", tally)
	}
	if n := metrics.sum(t, "netlab_operations_total"); n != 0 {
		t.Errorf("the new agent counts %.0f operations on the kernel", n)
	}
	if len(written) > 0 {
		t.Errorf("the kernel tells of changes in the lab:\n%s", strings.Join(written, "\n"))
	}
	if after := links(t, node, ns, "streaming"); after != before {
		t.Errorf("the links have changed, before:\n%s\nafter:\n%s", before, after)
	}
	for _, lab := range labs {
		becomesReady(t, lab)
	}
}

func deletePod(t *testing.T, pod corev1.Pod) {
	t.Helper()
	kubectl(t, "-n", system, "delete", "pod", pod.Name, "--grace-period=0", "--force")
}

func rollAgents(t *testing.T, _ corev1.Pod) {
	t.Helper()
	kubectl(t, "-n", system, "rollout", "restart", "daemonset/netlab-agent")
	if err := rolledOut(); err != nil {
		t.Fatal(err)
	}
}

// upgradeAgents gives all agents another build of the program, and the first one back when the
// story ends.
func upgradeAgents(t *testing.T, old corev1.Pod) {
	t.Helper()
	image := os.Getenv("NETLAB_E2E_UPGRADE")
	if image == "" {
		t.Fatal("NETLAB_E2E_UPGRADE does not name another build of the agent's image: run this with make e2e")
	}
	setAgentImage(t, image)
	t.Cleanup(func() { setAgentImage(t, old.Spec.Containers[0].Image) })
}

func setAgentImage(t *testing.T, image string) {
	t.Helper()
	kubectl(t, "-n", system, "set", "image", "daemonset/netlab-agent", "agent="+image)
	if err := rolledOut(); err != nil {
		t.Fatal(err)
	}
}

// nextAgent waits for the agent that follows: another pod, or the same one started again. It
// has taken over once the node's report is its own and its pod is Ready.
func nextAgent(t *testing.T, old corev1.Pod) corev1.Pod {
	t.Helper()
	var fresh corev1.Pod
	eventually(t, patience, "the next agent reports", func() error {
		list := agents(t)
		for _, pod := range list {
			if pod.Spec.NodeName != old.Spec.NodeName {
				continue
			}
			fresh = pod
			if pod.UID == old.UID && restarts(pod) == restarts(old) {
				return fmt.Errorf("pod %s still runs", pod.Name)
			}
			if !podReady(pod) {
				return fmt.Errorf("pod %s is not Ready", pod.Name)
			}
			return reportsFor(t, pod)
		}
		return fmt.Errorf("no agent on %s", old.Spec.NodeName)
	})
	return fresh
}

// looksAtEach lab include one that no event has caused.
const looksAtEach = 3

// comparedAll waits until an agent has looked at so many labs, and returns its metrics then.
func comparedAll(t *testing.T, pod corev1.Pod, labs int) exposition {
	t.Helper()
	var seen exposition
	eventually(t, soon, "the agent has looked at every lab", func() error {
		var err error
		if seen, err = metricsOf(t, pod); err != nil {
			return err
		}
		if looks := seen.sum(t, "netlab_converge_seconds_count"); looks < float64(looksAtEach*labs) {
			return fmt.Errorf("%.0f looks at %d labs", looks, labs)
		}
		return nil
	})
	return seen
}
