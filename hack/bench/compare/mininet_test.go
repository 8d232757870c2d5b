// SPDX-License-Identifier: Apache-2.0

//go:build mininet

package main

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// TestMain runs everything as root of a machine of its own.
func TestMain(m *testing.M) { sandbox.TestMain(m) }

// reachable are pairs of a node and an address, as NetLab's probes of the same labs have them. The
// lab with VLANs is not among them: not every kernel has them.
var reachable = map[string][]string{
	"routed-pair":  {"ns1 198.51.100.1"},
	"one-switch":   {"h1 10.1.0.2", "h2 10.1.0.3"},
	"leaf-spine":   {"h1 10.4.0.1", "h2 10.3.0.1", "leaf1 10.255.2.3"},
	"five-routers": {"h1 10.5.0.1", "h1 fd00:5::1", "r3 10.1.0.1"},
}

// unreachable shows that a ping can fail: with 1 for no reply, 2 for no route. No ping at all
// would be 127.
const unreachable = "192.0.2.99"

var pingFailed = regexp.MustCompile(regexp.QuoteMeta(unreachable) + " [12]\n")

// runner runs a lab's file and pings; its first pair must fail, and is pinged once. The others are
// asked until they answer, for at most 20 s: while a router's IPv6 address is being checked for
// duplicates, which takes the kernel a second or two, that router answers "unreachable", and ping
// ends at the first such answer however long it may wait. Mininet would raise limits of the whole
// machine.
const runner = `
import sys, time
from mininet.net import Mininet
Mininet.inited = True
exec(open(sys.argv[1]).read())
def ping(pair):
    node, address = pair.split()
    return net[node].cmd("ping -c 1 -w 1 -q %s >/dev/null 2>&1; echo $?" % address).strip()
print(sys.argv[2], ping(sys.argv[2]))
deadline = time.monotonic() + 20
for pair in sys.argv[3:]:
    while (said := ping(pair)) != "0" and time.monotonic() < deadline:
        time.sleep(0.1)
    print(pair, said)
net.stop()
`

func TestMininetFilesWork(t *testing.T) {
	root := os.Getenv("NETLAB_MININET")
	if root == "" {
		t.Fatal("NETLAB_MININET is not set: start this through make compare")
	}
	at := slices.IndexFunc(tools, func(t tool) bool { return t.directory == "mininet" })
	if want := slices.Sorted(slices.Values(tools[at].run)); !slices.Equal(slices.Sorted(maps.Keys(reachable)), want) {
		t.Errorf("the table says that %v are run", want)
	}
	for lab, pairs := range reachable {
		t.Run(lab, func(t *testing.T) {
			wrong := strings.Fields(pairs[0])[0] + " " + unreachable
			args := append([]string{"-c", runner, "labs/mininet/" + lab + "/lab.py", wrong}, pairs...)
			command := exec.CommandContext(t.Context(), "/usr/bin/python3", args...)
			command.Env = append(os.Environ(),
				"PYTHONPATH="+root+"/usr/lib/python3/dist-packages", "PATH="+root+"/usr/bin:"+root+"/sbin:"+os.Getenv("PATH"))
			output, err := command.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			for _, pair := range pairs {
				if !strings.Contains(string(output), pair+" 0\n") {
					t.Errorf("%s does not answer:\n%s", pair, output)
				}
			}
			if !pingFailed.MatchString(string(output)) {
				t.Errorf("ping does not say of %s that it cannot be reached:\n%s", unreachable, output)
			}
		})
	}
}
