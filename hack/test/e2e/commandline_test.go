// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// attempt is a command line of kubectl netlab and what it says, on whichever output.
type attempt struct {
	args []string
	says string
}

// A user who may only read labs sees why one is not reachable, and what right is missing
// for more.
func TestATenantWhoMayOnlyLookSeesWhy(t *testing.T) {
	s := beginBeside(t)
	ns := tenant(t, "viewer")
	kubectl(t, "apply", "-n", ns, "-f", "../../../config/samples/tutorial-2-no-forwarding.yaml")
	lab := named(ns, "routed-pair-no-forwarding")
	eventually(t, soon, "the lab is diagnosed", func() error { return says(t, lab, v1alpha1.ConditionReachable, metav1.ConditionFalse) })
	viewer := viewerOf(t, ns)

	answered := answers(t, viewer, ns, []attempt{
		{[]string{"status"}, lab.Name},
		{[]string{"status", lab.Name}, "ForwardingDisabled: router does not forward IPv4"},
		{[]string{"explain", lab.Name}, "ForwardingDisabled"},
		{[]string{"explain", lab.Name, "ns1-ns2"}, "router does not forward IPv4: net.ipv4.ip_forward is 0"},
	})
	refused := answers(t, viewer, ns, []attempt{
		{[]string{"ping", lab.Name, "ns1", "ns2"}, "is forbidden"},
		{[]string{"pingall", lab.Name}, "is forbidden"},
		{[]string{"explain", lab.Name, "ns1", "ns2"}, "is forbidden"},
		{[]string{"capture", lab.Name, "ns1", "-c", "1", "-w", filepath.Join(t.TempDir(), "out.pcapng")}, "is forbidden"},
		{[]string{"exec", lab.Name, "ns1", "--", "ip", "route"}, "is forbidden"},
	})
	s.counted("with the role view: %d commands answered with the cause, %d refused with what is missing", answered, refused)
}

// Node administrators ask the kernels of any node.
func TestAnAdministratorReachesIntoALab(t *testing.T) {
	s := beginBeside(t)
	ns, node := tenant(t, "admin"), nodes(t)[len(nodes(t))-1]
	lab := routedPair(t, ns, "reached")
	createReady(t, lab)
	admin := os.Getenv("KUBECONFIG")
	file := filepath.Join(t.TempDir(), "router.pcapng")
	done := answers(t, admin, ns, []attempt{
		{[]string{"status", lab.Name}, "Ready"},
		{[]string{"ping", lab.Name, "ns1", "ns2"}, "198.51.100.1"},
		{[]string{"ping", lab.Name, "ns1", "ns2", "--node", node}, "198.51.100.1"},
		{[]string{"pingall", lab.Name, "--node", node}, "6 of 6 pairs answer"},
		{[]string{"explain", lab.Name, "ns1", "ns2", "--node", node}, "router"},
		{[]string{"capture", lab.Name, "router", "--node", node, "-c", "2", "-w", file}, "2 packets captured"},
		{[]string{"exec", lab.Name, "ns1", "--node", node, "--image", toolbox(), "--", "ip", "route"}, "default via 192.0.2.254"},
	})
	section := []byte{0x0a, 0x0d, 0x0d, 0x0a} // what a pcapng file begins with
	if captured, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(captured, section) {
		t.Errorf("%s is no pcapng file: %v", file, err)
	}
	s.counted("%d commands done, 5 of them on %s", done, node)
}

// One command brings a lab into the cluster and waits for all nodes; another shows what an edit would change on
// them, and a third takes the lab away.
func TestUpPlanAndDown(t *testing.T) {
	s := beginBeside(t)
	ns, admin := tenant(t, "up"), os.Getenv("KUBECONFIG")
	sample, broken := "../../../config/samples/routed-pair.yaml", "../../../config/samples/tutorial-2-no-forwarding.yaml"
	started := time.Now()
	done := answers(t, admin, ns, []attempt{
		{[]string{"up", "-f", sample}, ns + "/routed-pair is Ready"},
		{[]string{"up", "-f", sample}, "routed-pair unchanged"},
		{[]string{"plan", "-f", sample}, "no changes"},
		{[]string{"status", "routed-pair"}, "198.51.100.254/24"},
		{[]string{"wait", "routed-pair", "--for", "realized"}, "is Realized"},
	})
	took := time.Since(started)
	done += answers(t, admin, ns, []attempt{
		{[]string{"up", "-f", broken}, "ForwardingDisabled: router does not forward IPv4"},
		{[]string{"down", "-f", sample, "-f", broken}, "routed-pair deleted"},
		{[]string{"wait", "routed-pair", "--for", "delete"}, "is deleted"},
	})
	s.counted("%d commands; the first five, from apply to the addresses, took %s", done, took.Round(10*time.Millisecond))
}

// toolbox is an image with a shell and ip that the cluster has or can pull.
func toolbox() string {
	if image := os.Getenv("NETLAB_E2E_TOOLBOX"); image != "" {
		return image
	}
	return "busybox:1.37"
}

// answers runs kubectl netlab with one account's kubeconfig and counts what said what it should.
// Exit codes are cmd/kubectl-netlab's own tests' business.
func answers(t *testing.T, kubeconfig, namespace string, attempts []attempt) (right int) {
	t.Helper()
	for _, a := range attempts {
		out, said, _ := execute("kubectl", append([]string{"netlab", "--kubeconfig", kubeconfig, "-n", namespace}, a.args...)...)
		if !strings.Contains(out+said, a.says) {
			t.Errorf("%q does not say %q, but:\n%s%s", a.args, a.says, out, said)
			continue
		}
		right++
	}
	return right
}
