// SPDX-License-Identifier: Apache-2.0

package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed templates
var templates embed.FS

// node is what the supervisor tells a node about itself. What is exported is for JSON and the templates.
type node struct {
	Directory  directory // the cluster's
	Name       string
	Number     int    // of 1 and up; its addresses come from it
	Programs   string // the directory of the Kubernetes programs
	CNIPlugins string // and of the CNI plugins
	PauseImage string
}

// longestName is the longest name of a node, in bytes.
const longestName = 20

func (n node) directory() nodeDirectory { return n.Directory.node(n.Name) }
func (n node) Cgroup() string           { return n.Directory.cgroup() + "/" + n.Name }
func (n node) Settings() string         { return settingsDirectory }
func (n node) Address() netip.Addr      { return nodeAddress(n.Number) }
func (n node) PodNetwork() netip.Prefix { return podNetwork(n.Number) }

// write makes the node's directory with everything the node needs.
func (n node) write() error {
	settings := n.directory().settings()
	if err := n.makeVariable(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(settings, "cni"), 0o755); err != nil {
		return err
	}
	for file, source := range map[string]string{
		"kubelet.yaml":      "kubelet.yaml",
		"containerd.toml":   "containerd.toml",
		"cni/pods.conflist": "pods.conflist",
	} {
		if err := n.render(source, filepath.Join(settings, file)); err != nil {
			return err
		}
	}
	if err := n.writeIdentities(); err != nil {
		return err
	}
	description, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return os.WriteFile(n.directory().description(), description, 0o600)
}

func readNode(dir nodeDirectory) (n node, err error) {
	description, err := os.ReadFile(dir.description())
	if err != nil {
		return n, err
	}
	if err := json.Unmarshal(description, &n); err != nil {
		return n, fmt.Errorf("read %s: %w", dir.description(), err)
	}
	return n, nil
}

// makeVariable makes what programs expect of a /var.
func (n node) makeVariable() error {
	variable := n.directory().variable()
	for _, dir := range []string{"cache", "lib", "log", "spool", "tmp"} {
		if err := os.MkdirAll(filepath.Join(variable, dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(filepath.Join(variable, "tmp"), 0o777|os.ModeSticky); err != nil {
		return err
	}
	if err := os.Symlink("/run", filepath.Join(variable, "run")); err != nil {
		return err
	}
	return os.Symlink("/run/lock", filepath.Join(variable, "lock"))
}

func (n node) render(source, file string) error {
	text, err := template.ParseFS(templates, "templates/"+source)
	if err != nil {
		return err
	}
	output, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer output.Close()
	if err := text.Execute(output, n); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return output.Close()
}

func (n node) writeIdentities() error {
	settings := n.directory().settings()
	ca, err := loadAuthority(n.Directory.path("pki"))
	if err != nil {
		return err
	}
	if err := writePEM(filepath.Join(settings, "ca.crt"), "CERTIFICATE", ca.certificate.Raw); err != nil {
		return err
	}
	if err := ca.issue(settings, "kubelet-serving", kubeletServer(n.Name, n.Address())); err != nil {
		return err
	}
	return ca.kubeconfig(filepath.Join(settings, "kubeconfig"), kubelet(n.Name))
}
