// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// decoy is an object that NetLab did not create, with a name that a lab needs. NAME stands for the name of
// the lab's first network namespace.
type decoy struct {
	name                 string
	plant, check, uproot string
	reported             string
}

const (
	ourPath  = "/run/netlab/netns/NAME"
	ourNames = "/run/netns/NAME"
)

var decoys = []decoy{
	{"a file where the namespace belongs",
		"echo precious > " + ourPath, "grep -q precious " + ourPath, "rm " + ourPath, ourPath},
	{"a directory where the namespace belongs",
		"mkdir " + ourPath, "test -d " + ourPath, "rmdir " + ourPath, ourPath},
	{"somebody's network namespace under our path",
		"touch " + ourPath + " && unshare --net=" + ourPath + " ip link add l1 type veth peer name other",
		"nsenter --net=" + ourPath + " ip link show l1", "umount " + ourPath + " && rm " + ourPath, ourPath},
	{"somebody's network namespace under our name",
		"ip netns add NAME && ip -n NAME link add l1 type veth peer name other",
		"ip -n NAME link show l1", "ip netns delete NAME", ourNames},
	{"a symlink to elsewhere",
		"ln -s /etc/hostname " + ourNames, `test "$(readlink ` + ourNames + `)" = /etc/hostname`, "rm " + ourNames, ourNames},
}

func (d decoy) sh(t *testing.T, lab, command string) {
	t.Helper()
	sh(t, strings.ReplaceAll(command, "NAME", "default."+lab+".ns1"))
}

// Unmanaged objects that have the names of a lab survive, and are reported as conflicts. Once removed
// away, the lab comes up by itself.
func TestDecoysSurviveAndAreReported(t *testing.T) {
	newCluster(t)
	for i, d := range decoys {
		d.sh(t, fmt.Sprintf("pair-%d", i), d.plant)
	}
	labs := copies(t, len(decoys), "", "")
	for i, d := range decoys {
		waitFor(t, labs[i], "Realized=False")
		eventually(t, 15*time.Second, d.name+" is reported", func() error {
			_, reason, message := condition(t, labs[i], "Realized")
			if reported := strings.ReplaceAll(d.reported, "NAME", "default."+labs[i]+".ns1"); reason != "Conflict" || !strings.Contains(message, reported) {
				return fmt.Errorf("Realized says %s: %s", reason, message)
			}
			return nil
		})
	}
	for i, d := range decoys {
		d.sh(t, labs[i], d.check)
		d.sh(t, labs[i], d.uproot)
	}
	for i := range decoys {
		out, err := try(machine.kubectl, "wait", "netlab/"+labs[i], "--for=condition=Ready", "--timeout=40s")
		if err != nil {
			t.Errorf("%s does not come up once its names are free: %v %s", labs[i], err, out)
		}
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
