// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// kubectl apply, kubectl wait, ping from the inside, kubectl delete.
func TestTheTutorialsLabFromApplyToDelete(t *testing.T) {
	newCluster(t)
	applied := time.Now()
	kubectl(t, "apply", "-f", sample("routed-pair"))
	waitFor(t, "routed-pair", "Reachable")
	waitFor(t, "routed-pair", "Ready")
	t.Logf("kubectl apply and kubectl wait took %s, of which kubectl version alone takes %s",
		time.Since(applied).Round(time.Millisecond), timed(func() { kubectl(t, "version") }))

	for _, want := range []struct{ ns, link, address string }{
		{"ns1", "l1", "192.0.2.1/24"},
		{"router", "l1", "192.0.2.254/24"},
		{"router", "l2", "198.51.100.254/24"},
		{"ns2", "l2", "198.51.100.1/24"},
	} {
		if got := addresses(t, "default.routed-pair."+want.ns, want.link); !slices.Equal(got, []string{want.address}) {
			t.Errorf("%s %s has %v, the tutorial says %s", want.ns, want.link, got, want.address)
		}
	}
	if got := ip(t, "-n default.routed-pair.ns1 route show default"); !strings.HasPrefix(got, "default via 192.0.2.254 dev l1") {
		t.Errorf("ns1's default route is %q", got)
	}
	ip(t, "netns exec default.routed-pair.ns1 ping -c 1 -W 2 198.51.100.1")

	kubectl(t, "delete", "-f", sample("routed-pair"))
	took := eventually(t, 10*time.Second, "nothing is left after kubectl delete", nothingLeft)
	t.Logf("gone %s after kubectl delete returned (promised: 2s)", took.Round(time.Millisecond))
}

// The tutorial fails twice before it works; both failures are named, with node and cause.
func TestTheTutorialsTwoFailuresAreNamed(t *testing.T) {
	newCluster(t)
	for _, stage := range []struct{ sample, reason, names string }{
		{"tutorial-1-no-routes", "NetworkUnreachable", "ns1 has no route to 198.51.100.1"},
		{"tutorial-2-no-forwarding", "ForwardingDisabled", "router"},
	} {
		kubectl(t, "apply", "-f", sample(stage.sample))
		lab := nameOf(t, stage.sample)
		waitFor(t, lab, "Reachable=False")
		_, reason, message := condition(t, lab, "Reachable")
		if reason != stage.reason || !strings.Contains(message, stage.names) {
			t.Errorf("%s: Reachable says %s: %s", stage.sample, reason, message)
		}
		described := kubectl(t, "describe", "netlab", lab)
		if !strings.Contains(described, stage.reason) || !strings.Contains(described, stage.names) {
			t.Errorf("%s: kubectl describe names neither cause nor node:\n%s", stage.sample, described)
		}
		// A tenant sees the same with the plugin, from NetLab.status alone.
		for _, verb := range [][]string{{"status", lab}, {"explain", lab}} {
			out, _ := try(machine.programs+"/kubectl-netlab", verb...) // status exits 1: the lab is not ready
			if !strings.Contains(out, stage.reason) || !strings.Contains(out, stage.names) {
				t.Errorf("%s: kubectl netlab %s names neither cause nor node:\n%s", stage.sample, verb[0], out)
			}
		}
		if status, reason, _ := condition(t, lab, "Ready"); status != "False" || reason != stage.reason {
			t.Errorf("%s: Ready is %s/%s", stage.sample, status, reason)
		}
	}
}

// nameOf is the metadata.name of a sample.
func nameOf(t *testing.T, name string) string {
	t.Helper()
	_, rest, _ := strings.Cut(readSample(t, name), "metadata: {name: ")
	lab, _, _ := strings.Cut(rest, "}")
	return strings.TrimSpace(strings.Split(lab, ",")[0])
}

func timed(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start).Round(time.Millisecond)
}
