// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

func TestMarkSaysWhoseANamespaceIs(t *testing.T) {
	for _, c := range []struct {
		owner state.Owner
		mark  string
		agent bool
		uid   string
	}{
		{state.AgentOwner("6f1c"), "netlab.dev/agent/6f1c/ns1", true, "6f1c"},
		{state.LocalOwner("default", "routed-pair"), "netlab.dev/local/default.routed-pair/ns1", false, ""},
	} {
		if got := c.owner.Label("ns1"); got != c.mark {
			t.Errorf("%s marks %q, want %q", c.owner, got, c.mark)
		}
		owner, node, ok := state.ParseLabel(c.mark)
		if owner != c.owner || node != "ns1" || !ok {
			t.Errorf("ParseMark(%q) = %q, %q, %t", c.mark, owner, node, ok)
		}
		if owner.IsAgent() != c.agent || owner.UID() != c.uid {
			t.Errorf("%s: agent %t with UID %q", owner, owner.IsAgent(), owner.UID())
		}
	}
}

func TestOthersMarksAreNotOurs(t *testing.T) {
	for _, mark := range []string{
		"", "uplink", "netlab.dev/", "netlab.dev/agent/6f1c", "netlab.dev/agent//ns1", "netlab.dev/agent/6f1c/",
		"netlab.dev/agent/6f1c/ns1/x", "netlab.dev/other/6f1c/ns1", "netlab.dev/local/ns1", " netlab.dev/agent/6f1c/ns1",
	} {
		if owner, node, ok := state.ParseLabel(mark); ok || owner != "" || node != "" {
			t.Errorf("ParseMark(%q) = %q, %q, %t", mark, owner, node, ok)
		}
	}
}

func TestNamespaceNamesGoBothWays(t *testing.T) {
	id := state.Identity{Namespace: "default", Name: "routed-pair"}
	name := id.NetworkNamespace("ns1")
	if name != "default.routed-pair.ns1" || id.Prefix() != "default.routed-pair." || id.String() != "default/routed-pair" {
		t.Errorf("%s has prefix %s and %s", id, id.Prefix(), name)
	}
	namespace, lab, node, ok := state.SplitNetworkNamespace(name)
	if namespace != "default" || lab != "routed-pair" || node != "ns1" || !ok || state.NodeOf(name) != "ns1" {
		t.Errorf("%s splits into %q, %q, %q, %t; node %q", name, namespace, lab, node, ok, state.NodeOf(name))
	}
	for _, foreign := range []string{"", "ns1", "cni-6f1c", "a.b", "a.b.c.d", ".b.c", "a..c", "a.b."} {
		if _, _, _, ok := state.SplitNetworkNamespace(foreign); ok {
			t.Errorf("%q is taken for a lab's", foreign)
		}
	}
}
