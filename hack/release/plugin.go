// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// pluginArches are those of Linux that the plugin is built for: what --local does, it does to
// Linux's kernel, and the program is one.
var pluginArches = []string{"amd64", "arm64"}

// krewPlugin is Krew's manifest, as far as it is used here:
// https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
type krewPlugin struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   krewName `json:"metadata"`
	Spec       krewSpec `json:"spec"`
}

type krewName struct {
	Name string `json:"name"`
}

type krewSpec struct {
	Version          string         `json:"version"`
	Homepage         string         `json:"homepage"`
	ShortDescription string         `json:"shortDescription"`
	Description      string         `json:"description"`
	Platforms        []krewPlatform `json:"platforms"`
}

type krewPlatform struct {
	Selector metav1.LabelSelector `json:"selector"`
	URI      string               `json:"uri"`
	SHA256   string               `json:"sha256"`
	Bin      string               `json:"bin"`
}

const pluginDescription = `Hosts, routers, cables and subnets in one file: NetLab builds them from Linux network namespaces,
on the nodes of a cluster or, with --local, on this machine, pings from the inside, and says why
something is not reachable.

In a cluster it needs NetLab installed there: ` + home + `
With --local it needs no cluster. Not to be confused with ipspace's netlab.
`

// plugin writes an archive per architecture and the Krew manifest.
func (r release) plugin(ctx context.Context) error {
	manifest := krewPlugin{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2",
		Kind:       "Plugin",
		Metadata:   krewName{Name: "netlab"},
		Spec: krewSpec{
			Version:          r.semver(),
			Homepage:         home,
			ShortDescription: "Network labs of Linux namespaces, and why they do not answer",
			Description:      pluginDescription,
		},
	}
	for _, arch := range pluginArches {
		platform, err := r.pluginArchive(ctx, arch)
		if err != nil {
			return err
		}
		manifest.Spec.Platforms = append(manifest.Spec.Platforms, platform)
	}
	text, err := yaml.Marshal(manifest)
	if err != nil {
		return err
	}
	return r.write("netlab.yaml", text)
}

func (r release) pluginArchive(ctx context.Context, arch string) (krewPlatform, error) {
	program, err := r.compilePlugin(ctx, arch)
	if err != nil {
		return krewPlatform{}, err
	}
	licence, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return krewPlatform{}, err
	}
	data, err := pack([]packed{{"kubectl-netlab", 0o755, program}, {"LICENSE", 0o644, licence}})
	if err != nil {
		return krewPlatform{}, err
	}
	name := "kubectl-netlab_linux_" + arch + ".tar.gz"
	sum := sha256.Sum256(data)
	return krewPlatform{
		Selector: metav1.LabelSelector{MatchLabels: map[string]string{"os": "linux", "arch": arch}},
		URI:      home + "/releases/download/" + r.version + "/" + name,
		SHA256:   hex.EncodeToString(sum[:]),
		Bin:      "kubectl-netlab",
	}, r.write(name, data)
}

func (r release) compilePlugin(ctx context.Context, arch string) ([]byte, error) {
	work, err := os.MkdirTemp("", "netlab-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	out := filepath.Join(work, "kubectl-netlab")
	cmd := exec.CommandContext(ctx, "go", "build", "-C", r.root, "-buildvcs=false", "-trimpath",
		"-ldflags", "-s -w -X main.version="+r.version, "-o", out, "./cmd/kubectl-netlab")
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build ./cmd/kubectl-netlab for %s: %w", arch, err)
	}
	return os.ReadFile(out)
}
