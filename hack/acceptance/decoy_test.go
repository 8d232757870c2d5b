// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Things of somebody else that have our names survive, and are reported as conflicts. Taken
// away, the lab comes up by itself.
func TestDecoysSurviveAndAreReported(t *testing.T) {
	const name = "default.routed-pair.ns1"
	for _, decoy := range []struct{ what, make_, check, remove, reported string }{
		{"a file where the namespace belongs",
			"echo precious > /run/netlab/netns/" + name, "grep -q precious /run/netlab/netns/" + name,
			"rm /run/netlab/netns/" + name, "/run/netlab/netns/" + name},
		{"a directory where the namespace belongs",
			"mkdir /run/netlab/netns/" + name, "test -d /run/netlab/netns/" + name,
			"rmdir /run/netlab/netns/" + name, "/run/netlab/netns/" + name},
		{"somebody's network namespace under our path",
			"touch /run/netlab/netns/" + name + " && unshare --net=/run/netlab/netns/" + name + " ip link add l1 type veth peer name other",
			"nsenter --net=/run/netlab/netns/" + name + " ip link show l1",
			"umount /run/netlab/netns/" + name + " && rm /run/netlab/netns/" + name, "/run/netlab/netns/" + name},
		{"somebody's network namespace under our name",
			"ip netns add " + name + " && ip -n " + name + " link add l1 type veth peer name other",
			"ip -n " + name + " link show l1", "ip netns delete " + name, "/run/netns/" + name},
		{"a symlink to elsewhere",
			"ln -s /etc/hostname /run/netns/" + name, "test \"$(readlink /run/netns/" + name + ")\" = /etc/hostname",
			"rm /run/netns/" + name, "/run/netns/" + name},
	} {
		t.Run(decoy.what, func(t *testing.T) {
			newCluster(t)
			sh(t, decoy.make_)
			kubectl(t, "apply", "-f", sample("routed-pair"))
			waitFor(t, "routed-pair", "Ready=False")
			eventually(t, 10*time.Second, "the conflict is reported", func() error {
				_, reason, message := condition(t, "routed-pair", "Realized")
				if reason != "Conflict" || !strings.Contains(message, decoy.reported) {
					return errorf("Realized says %s: %s", reason, message)
				}
				return nil
			})
			sh(t, decoy.check)
			sh(t, decoy.remove)
			eventually(t, 30*time.Second, "the lab comes up once its names are free", func() error {
				if status, reason, message := condition(t, "routed-pair", "Ready"); status != "True" {
					return errorf("Ready is %s/%s: %s", status, reason, message)
				}
				return nil
			})
		})
	}
}

// Deleting a lab that met a conflict leaves the other's things alone too.
func TestDecoysSurviveDeletion(t *testing.T) {
	newCluster(t)
	sh(t, "ip netns add default.routed-pair.ns2 && ip -n default.routed-pair.ns2 link set lo alias precious")
	defer sh(t, "ip netns delete default.routed-pair.ns2")
	kubectl(t, "apply", "-f", sample("routed-pair"))
	waitFor(t, "routed-pair", "Ready=False")
	kubectl(t, "delete", "-f", sample("routed-pair"))
	time.Sleep(2 * time.Second)
	if got := ip(t, "-n default.routed-pair.ns2 link show lo"); !strings.Contains(got, "precious") {
		t.Errorf("the other's namespace is not what it was: %s", got)
	}
	if entries, _ := os.ReadDir("/run/netlab/netns"); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func sh(t *testing.T, command string) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
}
