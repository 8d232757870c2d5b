// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
	"sigs.k8s.io/yaml"
)

func TestThePluginCanBeInstalledByKrewAndRunByKubectl(t *testing.T) {
	r := v1(t)
	if err := r.make(t.Context(), []string{"plugin"}); err != nil {
		t.Fatal(err)
	}
	manifest := readKrewManifest(t, filepath.Join(r.out, "netlab.yaml"))
	checkKrewManifest(t, manifest)
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	for _, p := range manifest.Spec.Platforms {
		arch := p.Selector.MatchLabels["arch"]
		if want := home + "/releases/download/v1.2.3/kubectl-netlab_linux_" + arch + ".tar.gz"; p.URI != want {
			t.Errorf("%s is to be found at %s, want %s", arch, p.URI, want)
		}
		files := unpack(t, filepath.Join(r.out, path.Base(p.URI)), p.SHA256)
		if files["LICENSE"] == nil {
			t.Errorf("%s: krew-index wants a LICENSE in the archive", arch)
		}
		program, err := elf.NewFile(bytes.NewReader(files[p.Bin]))
		if err != nil {
			t.Fatalf("%s: %v", arch, err)
		}
		if program.Machine != machines[arch] {
			t.Errorf("%s: the program is for %s", arch, program.Machine)
		}
		delete(machines, arch)
		if arch == runtime.GOARCH {
			runByKubectl(t, files[p.Bin])
		}
	}
	if len(machines) != 0 {
		t.Errorf("missing: %v", machines)
	}
}

// checkKrewManifest asks what krew asks before it installs; its own code for that is internal.
func checkKrewManifest(t *testing.T, m krewPlugin) {
	t.Helper()
	for what, ok := range map[string]bool{
		"apiVersion":       m.APIVersion == "krew.googlecontainertools.github.com/v1alpha2",
		"kind":             m.Kind == "Plugin",
		"name":             m.Metadata.Name == "netlab" && regexp.MustCompile(`^[\w-]+$`).MatchString(m.Metadata.Name),
		"version":          semver.IsValid(m.Spec.Version) && strings.Count(m.Spec.Version, ".") >= 2,
		"shortDescription": m.Spec.ShortDescription != "" && !strings.ContainsAny(m.Spec.ShortDescription, "\r\n"),
		"platforms":        len(m.Spec.Platforms) > 0,
	} {
		if !ok {
			t.Errorf("krew would refuse the manifest's %s", what)
		}
	}
	for _, p := range m.Spec.Platforms {
		for key := range p.Selector.MatchLabels {
			if key != "os" && key != "arch" {
				t.Errorf("krew knows no selector %s", key)
			}
		}
		if p.URI == "" || p.Bin == "" || !regexp.MustCompile(`^[a-f0-9]{64}$`).MatchString(p.SHA256) {
			t.Errorf("krew would refuse the platform %+v", p)
		}
	}
}

func readKrewManifest(t *testing.T, path string) krewPlugin {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m krewPlugin
	if err := yaml.UnmarshalStrict(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// unpack checks an archive's checksum and returns its files.
func unpack(t *testing.T, archive, sum string) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != sum {
		t.Errorf("%s has not the checksum %s", archive, sum)
	}
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(zipped); ; {
		header, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// runByKubectl puts the plugin where kubectl finds plugins.
func runByKubectl(t *testing.T, program []byte) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kubectl-netlab"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	kubectl := exec.Command(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), "netlab", "version")
	kubectl.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := kubectl.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "v1.2.3") {
		t.Errorf("kubectl netlab version: %v: %s", err, out)
	}
}
