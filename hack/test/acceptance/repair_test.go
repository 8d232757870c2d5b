// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// damage is what a person does by hand to a lab like the tutorial's, and how it shows. LAB
// stands for the start of its namespaces' names.
type damage struct {
	name    string
	command string
	// shows prints text while the lab is whole.
	shows, text string
}

var damages = []damage{
	{"a veth is deleted", "ip -n LAB.ns1 link delete l1", "ip -n LAB.router address show l1", "192.0.2.254/24"},
	{"an address is deleted", "ip -n LAB.ns1 address delete 192.0.2.1/24 dev l1", "ip -n LAB.ns1 address show l1", "192.0.2.1/24"},
	{"a route is deleted", "ip -n LAB.ns1 route delete default", "ip -n LAB.ns1 route", "default via 192.0.2.254"},
	{"forwarding is turned off", "ip netns exec LAB.router sysctl -qw net.ipv4.ip_forward=0", "ip netns exec LAB.router sysctl net.ipv4.ip_forward", "= 1"},
	{"a link is set down", "ip -n LAB.ns2 link set l2 down", "ip -n LAB.ns2 link show l2", "state UP"},
	{"a namespace is unmounted", "umount -l /run/netlab/netns/LAB.ns2", "ip -n LAB.ns2 address show l2", "198.51.100.1/24"},
}

// whole is nil while the damage is not done, or repaired.
func (d damage) whole(lab string) error {
	fields := strings.Fields(strings.ReplaceAll(d.shows, "LAB", "default."+lab))
	out, err := try(fields[0], fields[1:]...)
	if err == nil && !strings.Contains(out, d.text) {
		err = fmt.Errorf("%s shows %q, not %q", fields, strings.TrimSpace(out), d.text)
	}
	return err
}

func (d damage) do(t *testing.T, lab string) {
	t.Helper()
	sh(t, strings.ReplaceAll(d.command, "LAB", "default."+lab))
}

// Whatever a person breaks by hand is repaired because the kernel tells, and counted: no
// periodic compare comes in between here.
func TestDamageByHandIsRepairedAndCounted(t *testing.T) {
	const lab = "routed-pair"
	newCluster(t, "--compare-period=1h")
	kubectl(t, "apply", "-f", sample(lab))
	waitFor(t, lab, "Ready")
	for _, d := range damages {
		before := metric(t, "netlab_repairs_total")
		d.do(t, lab)
		took := eventually(t, 10*time.Second, d.name+": repaired", func() error { return d.whole(lab) })
		t.Logf("%s: repaired after %s (promised: 1s)", d.name, took.Round(time.Millisecond))
		eventually(t, 5*time.Second, d.name+": counted", func() error {
			if now := metric(t, "netlab_repairs_total"); now <= before {
				return fmt.Errorf("netlab_repairs_total is still %v", now)
			}
			return nil
		})
		eventually(t, 5*time.Second, d.name+": reachable again", func() error {
			_, err := try("ip", "netns", "exec", "default."+lab+".ns1", "ping", "-c", "1", "-W", "1", "198.51.100.1")
			return err
		})
	}
}

// The kernel sends no event for some settings. The periodic compare finds changes of them.
func TestDamageWithoutAnEventIsRepairedByThePeriodicCompare(t *testing.T) {
	newCluster(t, "--compare-period=1s")
	kubectl(t, "apply", "-f", sample("routed-pair"))
	waitFor(t, "routed-pair", "Ready")
	d := damage{"redirects are turned on", "ip netns exec LAB.router sysctl -qw net.ipv4.conf.all.send_redirects=1",
		"ip netns exec LAB.router sysctl net.ipv4.conf.all.send_redirects", "= 0"}
	d.do(t, "routed-pair")
	took := eventually(t, 10*time.Second, d.name+": repaired", func() error { return d.whole("routed-pair") })
	t.Logf("%s: repaired after %s with --compare-period=1s", d.name, took.Round(time.Millisecond))
}

// With driftPolicy Report, the same damage is reported and left alone.
func TestDamageByHandIsOnlyReportedUnderReport(t *testing.T) {
	newCluster(t)
	labs := copies(t, len(damages), "spec:\n", "spec:\n  driftPolicy: Report\n")
	for i, d := range damages {
		waitFor(t, labs[i], "Ready")
		d.do(t, labs[i])
	}
	for i, d := range damages {
		waitFor(t, labs[i], "Drifted")
		if status, reason, message := condition(t, labs[i], "Realized"); status != "False" || reason != "Drifted" || !strings.Contains(message, "ip ") {
			t.Errorf("%s: Realized is %s/%s: %s", d.name, status, reason, message)
		}
	}
	for i, d := range damages {
		if err := d.whole(labs[i]); err == nil {
			t.Errorf("%s: it was repaired", d.name)
		}
	}
}

// copies applies so many labs like the tutorial's, each with a name of its own and an edit.
func copies(t *testing.T, n int, before, after string) (names []string) {
	t.Helper()
	var all strings.Builder
	for i := range n {
		name := fmt.Sprintf("pair-%d", i)
		names = append(names, name)
		fmt.Fprintf(&all, "---\n%s\n", strings.NewReplacer("{name: routed-pair}", "{name: "+name+"}", before, after).Replace(readSample(t, "routed-pair")))
	}
	apply(t, all.String())
	return names
}
