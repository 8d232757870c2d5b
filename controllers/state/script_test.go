// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netlab-dev/netlab/controllers/state"
)

// commands is what a script does behind its functions.
func commands(ops ...state.Op) string {
	_, body, _ := strings.Cut(state.Script(ops), "\ndelete_symlink() {")
	_, body, _ = strings.Cut(body, "}\n\n")
	return strings.TrimSpace(body)
}

func TestScriptIsThePlan(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  []state.Op
		want string
	}{
		{"nothing to do", nil, ``},
		{"a namespace that it makes is found from then on", []state.Op{
			state.CreateNamespace{Name: "a", Label: "netlab.dev/agent/6f1c/a"}, state.AddSymlink{Name: "a"},
			state.SetAdmin{LinkID: end("a", "lo"), Up: true},
		}, `
create_namespace a netlab.dev/agent/6f1c/a
add_symlink a
ip -n a link set lo up`},
		{"one that is there is looked for first", []state.Op{
			state.CreateNamespace{Name: "b", Label: "m"}, pair(end("a", "l1"), end("b", "l1"), 1),
		}, `
find_namespace a
create_namespace b m
ip -n a link add name l1 address 02:00:00:00:01:01 mtu 1500 group 20044 type veth peer name l1 address 02:00:00:00:01:02 mtu 1500 group 20044 netns b`},
		{"what goes", []state.Op{state.DeleteSymlink{Name: "a"}, state.DeleteNamespace{Name: "a"}}, `
find_namespace a
delete_symlink a
delete_namespace a`},
		{"nothing that somebody named is run", []state.Op{
			state.DeleteLink{LinkID: end("a", "$(reboot)")}, state.DeleteLink{LinkID: end("a", "';reboot;'")}, state.DeleteLink{LinkID: end("a", "*")},
		}, `
find_namespace a
ip -n a link delete '$(reboot)'
ip -n a link delete ''\'';reboot;'\'''
ip -n a link delete '*'`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimSpace(c.want), commands(c.ops...)); diff != "" {
				t.Errorf("script (-want +got):\n%s", diff)
			}
		})
	}
}

// A machine may give new namespaces other values than the ones a plan relies on.
func TestScriptWritesEverySettingOfANewNamespace(t *testing.T) {
	script := state.Script(nil)
	for _, key := range state.NamespaceSettingKeys() {
		if line := fmt.Sprintf("\t\t%s=%s", key, state.InitialValue(key)); strings.Count(script, line) != 1 {
			t.Errorf("%s is there %d times", line, strings.Count(script, line))
		}
	}
	if first, second := strings.Index(script, "net.ipv4.ip_forward="), strings.Index(script, ".all.accept_redirects="); first > second {
		t.Error("ip_forward is written after what it resets")
	}
}
