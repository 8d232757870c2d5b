// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestNodesShareNothingThatWouldMakeThemFight(t *testing.T) {
	cluster := directory(t.TempDir())
	if err := cluster.writeIdentities(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for number, name := range []string{"node-0", "node-1", "node-2"} {
		n := node{Directory: cluster, Name: name, Number: number, PauseImage: "pause:1", CNIPlugins: "/plugins"}
		if err := n.write(); err != nil {
			t.Fatal(err)
		}
		for what, value := range map[string]string{
			"cgroup root":    kubeletSettings(t, n).CgroupRoot,
			"pod network":    podSettings(t, n),
			"address":        n.Address().String(),
			"interface":      portOf(number),
			"control socket": n.directory().socket(),
		} {
			if other, taken := seen[what+value]; taken || value == "" {
				t.Errorf("%s has the %s %q of %s", name, what, value, other)
			}
			seen[what+value] = name
		}
	}
}

func TestANodeReadsBackWhatTheSupervisorWrote(t *testing.T) {
	cluster := directory(t.TempDir())
	if err := cluster.writeIdentities(); err != nil {
		t.Fatal(err)
	}
	want := node{Directory: cluster, Name: "n", Number: 7, Programs: "/p", CNIPlugins: "/c", PauseImage: "pause:1"}
	if err := want.write(); err != nil {
		t.Fatal(err)
	}
	if got := must(readNode(want.directory()))(t); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestContainerdGetsThePauseImageAndThePlugins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "containerd.toml")
	n := node{PauseImage: "docker.io/library/pause:1", CNIPlugins: "/plugins"}
	if err := n.render("containerd.toml", file); err != nil {
		t.Fatal(err)
	}
	text := string(must(os.ReadFile(file))(t))
	for _, want := range []string{`sandbox_image = "docker.io/library/pause:1"`, `bin_dir = "/plugins"`} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in:\n%s", want, text)
		}
	}
}

// kubeletSettings are those that tests look at.
func kubeletSettings(t *testing.T, n node) (settings struct{ CgroupRoot string }) {
	t.Helper()
	text := must(os.ReadFile(filepath.Join(n.directory().settings(), "kubelet.yaml")))(t)
	if err := yaml.Unmarshal(text, &settings); err != nil {
		t.Fatal(err)
	}
	return settings
}

func podSettings(t *testing.T, n node) (network string) {
	t.Helper()
	text := must(os.ReadFile(filepath.Join(n.directory().settings(), "cni", "pods.conflist")))(t)
	var settings struct {
		Plugins []struct {
			IPAM struct{ Ranges [][]struct{ Subnet string } }
		}
	}
	if err := json.Unmarshal(text, &settings); err != nil {
		t.Fatal(err)
	}
	return settings.Plugins[0].IPAM.Ranges[0][0].Subnet
}
