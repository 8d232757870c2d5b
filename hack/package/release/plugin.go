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

// platform is what a program is built for, in Go's words, which are Krew's, too.
type platform struct{ os, arch string }

// pluginPlatforms are those the plugin is built for. It asks clusters from anywhere; --local is
// there on Linux.
var pluginPlatforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"},
}

// program is the name of the plugin's file.
func (p platform) program() string {
	if p.os == "windows" {
		return "kubectl-netlab.exe"
	}
	return "kubectl-netlab"
}

// archive is the name of the file that the plugin comes in: what each system unpacks by itself.
func (p platform) archive() string {
	name := "kubectl-netlab_" + p.os + "_" + p.arch
	if p.os == "windows" {
		return name + ".zip"
	}
	return name + ".tar.gz"
}

func (p platform) pack(files []packed) ([]byte, error) {
	if p.os == "windows" {
		return packZip(files)
	}
	return pack(files)
}

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

const pluginDescription = `Hosts, routers, cables and subnets in one file: NetLab builds them from Linux
network namespaces, on the nodes of a cluster or, with --local, on this machine,
pings from the inside, and says why something is not reachable.

In a cluster it needs NetLab installed there, see
` + home + `
With --local it needs Linux and no cluster. Not to be confused with ipspace's
netlab.
`

// plugin writes an archive per platform and the Krew manifest.
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
	for _, p := range pluginPlatforms {
		platform, err := r.pluginArchive(ctx, p)
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

func (r release) pluginArchive(ctx context.Context, p platform) (krewPlatform, error) {
	program, err := r.compilePlugin(ctx, p)
	if err != nil {
		return krewPlatform{}, err
	}
	licence, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return krewPlatform{}, err
	}
	data, err := p.pack([]packed{{p.program(), 0o755, program}, {"LICENSE", 0o644, licence}})
	if err != nil {
		return krewPlatform{}, err
	}
	sum := sha256.Sum256(data)
	return krewPlatform{
		Selector: metav1.LabelSelector{MatchLabels: map[string]string{"os": p.os, "arch": p.arch}},
		URI:      home + "/releases/download/" + r.version + "/" + p.archive(),
		SHA256:   hex.EncodeToString(sum[:]),
		Bin:      p.program(),
	}, r.write(p.archive(), data)
}

func (r release) compilePlugin(ctx context.Context, p platform) ([]byte, error) {
	work, err := os.MkdirTemp("", "netlab-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	out := filepath.Join(work, p.program())
	cmd := exec.CommandContext(ctx, "go", "build", "-C", r.root, "-buildvcs=false", "-trimpath",
		"-ldflags", "-s -w -X main.version="+r.version, "-o", out, "./cmd/kubectl-netlab")
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build ./cmd/kubectl-netlab for %s/%s: %w", p.os, p.arch, err)
	}
	return os.ReadFile(out)
}
