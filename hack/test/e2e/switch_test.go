// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// A lab with switches is edited while its hosts talk: one more host is plugged in, another gets
// other addresses, the first is taken away again. Nodes that the edit does not name lose no packet,
// in IPv4 and IPv6, over switches with a spanning tree and through a router, on any node.
func TestALabWithSwitchesIsEditedLive(t *testing.T) {
	s := beginBeside(t)
	ns, all := tenant(t, "switches"), nodes(t)
	lab := readLab(t, "testdata/triangle.yaml", ns)
	createReady(t, lab)
	s.counted("a triangle of switches with a spanning tree, a router and 4 hosts, dual stack: Ready on %s nodes", lab.Status.Nodes.Summary)

	paths := []path{{"h1", "h2", "10.1.0.2:7000"}, {"h1", "far", "[fd00:2::1]:7000"}}
	before := map[string]string{}
	var streams []*stream
	for _, node := range all {
		before[node] = links(t, node, ns, lab.Name)
		for _, p := range paths {
			streams = append(streams, startStream(t, node, ns, lab.Name, p))
		}
	}

	edited(t, lab, func(spec *v1alpha1.NetLabSpec) {
		spec.Namespaces = append(spec.Namespaces, v1alpha1.Namespace{Name: "h4"})
		spec.Links = append(spec.Links, v1alpha1.Link{Name: "h4", Endpoints: []v1alpha1.Endpoint{{Name: "h4"}, {Name: "sw3"}}})
		spec.Probes = append(spec.Probes, v1alpha1.Probe{Name: "h4-far", From: "h4", To: "far"})
	})
	hasOn(t, all, ns+"."+lab.Name+".h4", "h4", "10.1.0.3/24", "fd00:1::3/64")
	edited(t, lab, func(spec *v1alpha1.NetLabSpec) {
		endpoint(spec, "h3").Addresses = []string{"10.1.0.31/24", "fd00:1::31/64"}
	})
	hasOn(t, all, ns+"."+lab.Name+".h3", "h3", "10.1.0.31/24", "fd00:1::31/64")
	edited(t, lab, func(spec *v1alpha1.NetLabSpec) {
		spec.Namespaces = slices.DeleteFunc(spec.Namespaces, func(n v1alpha1.Namespace) bool { return n.Name == "h4" })
		spec.Links = slices.DeleteFunc(spec.Links, func(l v1alpha1.Link) bool { return l.Name == "h4" })
		spec.Probes = slices.DeleteFunc(spec.Probes, func(p v1alpha1.Probe) bool { return p.Name == "h4-far" })
	})

	sum := endAll(t, streams)
	s.counted("a host added, one renumbered, one removed, meanwhile on each of %d nodes an IPv4 and an IPv6 stream: %d packets sent, %d lost, longest gap %s",
		len(all), sum.Sent, sum.Lost, sum.LongestGap.Round(time.Millisecond))
	for _, node := range all {
		if after := links(t, node, ns, lab.Name); after != before[node] {
			t.Errorf("the links of %s have changed, before:\n%s\nafter:\n%s", node, before[node], after)
		}
	}
}

// endAll ends streams of which none may have lost anything, and adds them up.
func endAll(t *testing.T, streams []*stream) (sum tally) {
	t.Helper()
	for _, stream := range streams {
		counted := stream.end(t)
		if counted.Lost != 0 || counted.Duplicates != 0 || counted.Sent == 0 {
			t.Errorf("a stream: %+v", counted)
		}
		sum.Sent, sum.Lost = sum.Sent+counted.Sent, sum.Lost+counted.Lost
		sum.LongestGap = max(sum.LongestGap, counted.LongestGap)
	}
	return sum
}

// edited changes the lab and waits until it is Ready again.
func edited(t *testing.T, lab *v1alpha1.NetLab, change func(*v1alpha1.NetLabSpec)) {
	t.Helper()
	edit(t, lab, change)
	becomesReady(t, lab)
}

// endpoint is the first end of a link.
func endpoint(spec *v1alpha1.NetLabSpec, link string) *v1alpha1.Endpoint {
	i := slices.IndexFunc(spec.Links, func(l v1alpha1.Link) bool { return l.Name == link })
	return &spec.Links[i].Endpoints[0]
}

// hasOn wants a link to have exactly these addresses, link-local ones aside, on each node.
func hasOn(t *testing.T, nodes []string, netns, link string, want ...string) {
	t.Helper()
	for _, node := range nodes {
		var got []string
		for line := range strings.Lines(inLab(t, node, netns, "ip", "-o", "address", "show", "dev", link, "scope", "global")) {
			got = append(got, strings.Fields(line)[3])
		}
		if !slices.Equal(got, want) {
			t.Errorf("on %s %s has %v, not %v", node, netns, got, want)
		}
	}
}
