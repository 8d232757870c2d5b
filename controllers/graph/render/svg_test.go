// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
	"github.com/netlab-dev/netlab/controllers/graph/render"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

func TestScratch(t *testing.T) {
	files, _ := filepath.Glob("../../../config/samples/*.yaml")
	for _, f := range files {
		data, _ := os.ReadFile(f)
		var n v1alpha1.NetLab
		if err := yaml.Unmarshal(data, &n); err != nil || n.Kind != "NetLab" {
			continue
		}
		c, err := lab.Compile(state.Identity{Namespace: "default", Name: n.Name}, &n.Spec, lab.Options{})
		if err != nil {
			t.Log(f, err)
			continue
		}
		start := time.Now()
		p := layout.New(graph.New(&n.Spec, c).Grouped(), layout.Positions{})
		svg := render.SVG(p)
		t.Logf("%-24s %8v %5dx%5d crossings %d", filepath.Base(f), time.Since(start).Round(100*time.Microsecond), p.Width, p.Height, p.Crossings)
		os.WriteFile("/tmp/picture/out/"+strings.TrimSuffix(filepath.Base(f), ".yaml")+".svg", []byte(svg), 0o644)
	}
}

func TestScratchRandom(t *testing.T) {
	for seed := range uint64(12) {
		spec := labtest.New(seed, statetest.Features{}).Spec()
		c, err := lab.Compile(state.Identity{Namespace: "default", Name: "lab"}, spec, lab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := layout.New(graph.New(spec, c).Grouped(), layout.Positions{})
		t.Log(seed, p.Width, p.Height, p.Crossings)
		os.WriteFile(fmt.Sprintf("/tmp/picture/out/r%d.svg", seed), []byte(render.SVG(p)), 0o644)
	}
}

func TestScratchLive(t *testing.T) {
	load := func(name string) *graph.Graph {
		data, _ := os.ReadFile("../../../config/samples/" + name + ".yaml")
		var n v1alpha1.NetLab
		_ = yaml.Unmarshal(data, &n)
		c, err := lab.Compile(state.Identity{Namespace: "default", Name: n.Name}, &n.Spec, lab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return graph.New(&n.Spec, c)
	}
	g := load("tutorial-2-no-forwarding")
	g.Show(graph.Live{Health: graph.Bad, Verdict: "Ready=False: ForwardingDisabled", Nodes: map[string]graph.Health{"ns1": graph.Good, "ns2": graph.Good, "router": graph.Good},
		Failures: []graph.Failing{{Failure: graph.Failure{Probe: "ns1-ns2", Reason: "ForwardingDisabled", Message: "router drops packets from ns1 to 198.51.100.1: IPv4 forwarding is disabled there", Fix: "set spec.routers[0].forwarding to Enabled, or now: ip netns exec default.routed-pair.router sysctl -w net.ipv4.ip_forward=1"}, From: "ns1",
			Walk: &diagnose.Walk{Forward: []diagnose.Hop{{Node: "ns1", Outgoing: "l1", Next: "router"}, {Node: "router", Incoming: "l1"}}}}}})
	p := render.Layout(g, layout.Positions{})
	os.WriteFile("/tmp/picture/out/live1.svg", []byte(render.SVG(p)), 0o644)
	g = load("campus")
	g.Show(graph.Live{Health: graph.Bad, Verdict: "Ready=False: LinkDown", Nodes: map[string]graph.Health{"sw9": graph.Bad, "h9": graph.Good},
		Down: map[graph.Interface]bool{{Node: "dist1", Name: "up2"}: true},
		Failures: []graph.Failing{{Failure: graph.Failure{Probe: "h2-h9", Reason: "LinkDown", Message: "link up2 is down at dist1", Fix: "ip -n default.campus.dist1 link set up2 up"}, From: "h2",
			Walk: &diagnose.Walk{Forward: []diagnose.Hop{{Node: "h2", Outgoing: "h2", Through: []string{"sw2"}, Next: "dist1"}, {Node: "dist1", Incoming: "up2", Outgoing: "c1d1", Next: "core1"}, {Node: "core1", Incoming: "c1d1", Outgoing: "c1d3"}}}},
			{Failure: graph.Failure{Probe: "server-h40", Reason: "NoReply", Message: "no reply"}, From: "server", Walk: &diagnose.Walk{Forward: []diagnose.Hop{{Node: "server", Outgoing: "dc2", Next: "core2"}, {Node: "core2", Incoming: "dc2"}}}}}})
	start := time.Now()
	p = render.Layout(g, layout.Positions{})
	t.Log(time.Since(start), p.Width, p.Height)
	os.WriteFile("/tmp/picture/out/live2.svg", []byte(render.SVG(p)), 0o644)
}
