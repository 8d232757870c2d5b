// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// Where the programs of these stories answer.
const (
	agentMetrics      = "127.0.0.1:18080"
	agentHealth       = "127.0.0.1:18081"
	controllerMetrics = "127.0.0.1:18082"
)

// cluster is a node with its agent, and the controller.
type cluster struct {
	t          *testing.T
	controller *process
	agent      *process
	agentFlags []string
}

// newCluster registers this machine as a node and starts agent and controller. At the end of
// the story every lab is deleted while the agent is there, and nothing may be left.
func newCluster(t *testing.T, agentFlags ...string) *cluster {
	t.Helper()
	apply(t, "{apiVersion: v1, kind: Namespace, metadata: {name: netlab-system}}")
	apply(t, fmt.Sprintf("{apiVersion: v1, kind: Node, metadata: {name: %s, labels: {pool: lab}}}", nodeName))
	c := &cluster{t: t, agentFlags: agentFlags}
	c.controller = startController(t, controllerMetrics)
	c.startAgent()
	eventually(t, 30*time.Second, "the agent has introduced itself", func() error {
		_, err := try(machine.kubectl, "wait", "netlabnodestate/"+nodeName, "--for=jsonpath={.status.agent.version}", "--timeout=20s")
		return err
	})
	t.Cleanup(func() {
		defer c.controller.stop()
		defer c.agent.stop()
		c.deleteEverything()
	})
	return c
}

func startController(t *testing.T, metrics string) *process {
	t.Helper()
	return start(t, nil, "netlab-controller", "--metrics-bind-address="+metrics, "--metrics-secure=false", "--health-probe-bind-address=0")
}

func (c *cluster) startAgent() {
	c.t.Helper()
	flags := append([]string{
		"--metrics-bind-address=" + agentMetrics, "--metrics-secure=false", "--health-probe-bind-address=" + agentHealth,
	}, c.agentFlags...)
	c.agent = start(c.t, []string{"NODE_NAME=" + nodeName}, "netlab-agent", flags...)
	eventually(c.t, 30*time.Second, "agent is ready", func() error {
		answer, err := http.Get("http://" + agentHealth + "/readyz")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			time.Sleep(50 * time.Millisecond) // it logs every question
			return fmt.Errorf("readyz says %s", answer.Status)
		}
		return nil
	})
}

func (c *cluster) deleteEverything() {
	kubectl(c.t, "delete", "netlab", "--all", "--all-namespaces", "--wait=true")
	eventually(c.t, 10*time.Second, "nothing is left", nothingLeft)
}

// nothingLeft reports what a lab has left on the machine. An agent that runs keeps its
// directories and its lock.
func nothingLeft() error {
	var left []string
	for _, dir := range []string{"/run/netlab/netns", "/run/netlab/labs", "/run/netlab/locks", "/run/netns"} {
		entries, err := os.ReadDir(dir)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		for _, e := range entries {
			left = append(left, filepath.Join(dir, e.Name()))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, "nsfs") {
			left = append(left, "mount "+strings.TrimSpace(line))
		}
	}
	links, err := exec.Command("ip", "-o", "link").Output()
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(links)) {
		if !strings.Contains(line, " lo:") {
			left = append(left, "link "+strings.TrimSpace(line))
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("left behind: %s", strings.Join(left, ", "))
	}
	return nil
}

// apply gives a manifest to the API server.
func apply(t *testing.T, manifest string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "apply", "-f", file)
}

// sample is the path of a lab under config/samples.
func sample(name string) string { return "../../../config/samples/" + name + ".yaml" }

func readSample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(sample(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// waitFor waits for a condition of a lab, as a user does.
func waitFor(t *testing.T, lab, condition string) {
	t.Helper()
	out, err := try(machine.kubectl, "wait", "netlab/"+lab, "--for=condition="+condition, "--timeout=20s")
	if err != nil {
		state, _ := try(machine.kubectl, "get", "netlab,netlabnodestate", "-o", "yaml")
		t.Fatalf("%v\n%s\n%s", err, out, state)
	}
}

// condition is what a lab's condition says: status, reason, message.
func condition(t *testing.T, lab, kind string) (status, reason, message string) {
	t.Helper()
	var got v1alpha1.NetLab
	if err := json.Unmarshal([]byte(kubectl(t, "get", "netlab", lab, "-o", "json")), &got); err != nil {
		t.Fatal(err)
	}
	c := meta.FindStatusCondition(got.Status.Conditions, kind)
	if c == nil {
		return "", "", ""
	}
	return string(c.Status), c.Reason, c.Message
}

// metric sums the agent's metric over all labels that match.
func metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	text, err := scrape(agentMetrics)
	if err != nil {
		t.Fatal(err)
	}
	return sumOf(t, text, name, labels...)
}

// scrape returns what a program exports.
func scrape(address string) (string, error) {
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}

func sumOf(t *testing.T, text, name string, labels ...string) float64 {
	t.Helper()
	sum := 0.0
	for line := range strings.Lines(text) {
		head, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if head != name && !strings.HasPrefix(head, name+"{") {
			continue
		}
		if slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(head, l) }) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += v
	}
	return sum
}

var linkLine = regexp.MustCompile(`^(\d+): ([^@:]+)`)

// linkIdentity changes when a link of a lab is created again or loses its carrier: every
// interface with its index and the kernel's count of carrier changes.
func linkIdentity(t *testing.T) map[string]string {
	t.Helper()
	identity := map[string]string{}
	for _, ns := range netns(t) {
		for line := range strings.Lines(ip(t, "-n "+ns+" -o -d link")) {
			m := linkLine.FindStringSubmatch(line)
			if m == nil || m[2] == "lo" {
				continue
			}
			changes := run(t, "ip", "netns", "exec", ns, "cat", "/sys/class/net/"+m[2]+"/carrier_changes")
			identity[ns+" "+m[2]] = "index " + m[1] + " carrier changes " + strings.TrimSpace(changes)
		}
	}
	return identity
}

// netns are the names ip netns knows, sorted.
func netns(t *testing.T) []string {
	t.Helper()
	var names []string
	for line := range strings.Lines(ip(t, "netns list")) {
		names = append(names, strings.Fields(line)[0])
	}
	slices.Sort(names)
	return names
}

// addresses are an interface's IPv4 addresses.
func addresses(t *testing.T, ns, link string) []string {
	t.Helper()
	var list []string
	fields := strings.Fields(ip(t, "-n "+ns+" -4 -o address show dev "+link))
	for i, f := range fields {
		if f == "inet" {
			list = append(list, fields[i+1])
		}
	}
	return list
}
