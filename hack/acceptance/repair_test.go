// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// damage is what a person does by hand, and how it shows.
type damage struct {
	name   string
	break_ string // an ip or other command
	whole  func(t *testing.T) error
}

const lab = "default.routed-pair."

// shows is whole while a command prints the text.
func shows(command, text string) func(*testing.T) error {
	return func(t *testing.T) error {
		fields := strings.Fields(command)
		out, err := try(fields[0], fields[1:]...)
		if err != nil {
			return err
		}
		if !strings.Contains(out, text) {
			return fmt.Errorf("%s shows %q, not %q", command, strings.TrimSpace(out), text)
		}
		return nil
	}
}

var damages = []damage{
	{"a veth is deleted", "ip -n " + lab + "ns1 link delete l1", shows("ip -n "+lab+"router address show l1", "192.0.2.254/24")},
	{"an address is deleted", "ip -n " + lab + "ns1 address delete 192.0.2.1/24 dev l1", shows("ip -n "+lab+"ns1 address show l1", "192.0.2.1/24")},
	{"a route is deleted", "ip -n " + lab + "ns1 route delete default", shows("ip -n "+lab+"ns1 route", "default via 192.0.2.254")},
	{"forwarding is turned off", "ip netns exec " + lab + "router sysctl -qw net.ipv4.ip_forward=0", shows("ip netns exec "+lab+"router sysctl -n net.ipv4.ip_forward", "1")},
	{"a link is set down", "ip -n " + lab + "ns2 link set l2 down", shows("ip -n "+lab+"ns2 link show l2", "state UP")},
	{"a namespace is unmounted", "umount -l /run/netlab/netns/" + lab + "ns2", shows("ip -n "+lab+"ns2 address show l2", "198.51.100.1/24")},
}

// Whatever a person breaks by hand is repaired within a second, and counted.
func TestDamageByHandIsRepairedAndCounted(t *testing.T) {
	newCluster(t)
	kubectl(t, "apply", "-f", sample("routed-pair"))
	waitFor(t, "routed-pair", "Ready")
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			before := metric(t, "netlab_repairs_total")
			breakIt(t, d)
			took := eventually(t, 10*time.Second, "repaired", func() error { return d.whole(t) })
			eventually(t, 5*time.Second, "counted", func() error {
				if now := metric(t, "netlab_repairs_total"); now <= before {
					return fmt.Errorf("netlab_repairs_total is still %v", now)
				}
				return nil
			})
			eventually(t, 5*time.Second, "reachable again", func() error {
				_, err := try("ip", "netns", "exec", lab+"ns1", "ping", "-c", "1", "-W", "1", "198.51.100.1")
				return err
			})
			t.Logf("repaired after %s", took.Round(time.Millisecond))
			if took > time.Second {
				t.Errorf("took %s, promised is 1s", took)
			}
		})
	}
}

// With driftPolicy Report, the same damage is reported and left alone.
func TestDamageByHandIsOnlyReportedUnderReport(t *testing.T) {
	newCluster(t)
	report := strings.Replace(readSample(t, "routed-pair"), "spec:\n", "spec:\n  driftPolicy: Report\n", 1)
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			apply(t, report)
			waitFor(t, "routed-pair", "Ready")
			breakIt(t, d)
			waitFor(t, "routed-pair", "Drifted")
			if status, reason, message := condition(t, "routed-pair", "Realized"); status != "False" || reason != "Drifted" || !strings.Contains(message, "ip ") {
				t.Errorf("Realized is %s/%s: %s", status, reason, message)
			}
			if err := d.whole(t); err == nil {
				t.Error("it was repaired")
			}
			kubectl(t, "delete", "netlab", "routed-pair")
			eventually(t, 10*time.Second, "nothing is left", nothingLeft)
		})
	}
}

func breakIt(t *testing.T, d damage) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", d.break_).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", d.break_, err, out)
	}
	if err := d.whole(t); err == nil {
		t.Logf("repaired before anybody could look")
	}
}
