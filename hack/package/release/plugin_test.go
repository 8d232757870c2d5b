// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
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
	archives := map[string]string{
		"linux amd64":   "kubectl-netlab_linux_amd64.tar.gz: kubectl-netlab for ELF EM_X86_64",
		"linux arm64":   "kubectl-netlab_linux_arm64.tar.gz: kubectl-netlab for ELF EM_AARCH64",
		"darwin amd64":  "kubectl-netlab_darwin_amd64.tar.gz: kubectl-netlab for Mach-O CpuAmd64",
		"darwin arm64":  "kubectl-netlab_darwin_arm64.tar.gz: kubectl-netlab for Mach-O CpuArm64",
		"windows amd64": "kubectl-netlab_windows_amd64.zip: kubectl-netlab.exe for PE 0x8664",
	}
	for _, p := range manifest.Spec.Platforms {
		on := p.Selector.MatchLabels["os"] + " " + p.Selector.MatchLabels["arch"]
		archive := path.Base(p.URI)
		if want := home + "/releases/download/v1.2.3/" + archive; p.URI != want {
			t.Errorf("%s is to be found at %s, want %s", on, p.URI, want)
		}
		files := unpack(t, filepath.Join(r.out, archive), p.SHA256)
		if files["LICENSE"] == nil {
			t.Errorf("%s: krew-index wants a LICENSE in the archive", on)
		}
		if got := archive + ": " + p.Bin + " for " + machine(t, files[p.Bin]); got != archives[on] {
			t.Errorf("%s has %s, want %s", on, got, archives[on])
		}
		delete(archives, on)
		if on == runtime.GOOS+" "+runtime.GOARCH {
			runByKubectl(t, files[p.Bin])
		}
	}
	if len(archives) != 0 {
		t.Errorf("missing: %v", archives)
	}
}

// machine is what a program's header says it runs on.
func machine(t *testing.T, program []byte) string {
	t.Helper()
	if f, err := elf.NewFile(bytes.NewReader(program)); err == nil {
		return "ELF " + f.Machine.String()
	}
	if f, err := macho.NewFile(bytes.NewReader(program)); err == nil {
		return "Mach-O " + f.Cpu.String()
	}
	f, err := pe.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatalf("%d bytes are no program: %v", len(program), err)
	}
	return fmt.Sprintf("PE %#x", f.Machine)
}

// The same source gives the same bytes, wherever it lies: nothing of the folder or the time is in
// the programs and the archives.
func TestThePluginsArchivesAreReproducible(t *testing.T) {
	here, moved := v1(t), v1(t)
	moved.root = copied(t, here.root, "api", "cmd/kubectl-netlab", "config/crd", "controllers", "go.mod", "go.sum", "LICENSE")
	for _, p := range []platform{{"darwin", "arm64"}, {"windows", "amd64"}} {
		first, err := here.pluginArchive(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		second, err := moved.pluginArchive(t.Context(), p)
		if err != nil || first.SHA256 != second.SHA256 {
			t.Errorf("%s: %s, and from another folder %s, %v", p.archive(), first.SHA256, second.SHA256, err)
		}
	}
}

// copied returns a new folder with parts of another.
func copied(t *testing.T, root string, parts ...string) string {
	t.Helper()
	to := t.TempDir()
	for _, part := range parts {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, part)), 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cp", "-r", filepath.Join(root, part), filepath.Join(to, part)).CombinedOutput(); err != nil {
			t.Fatalf("copy %s: %v: %s", part, err, out)
		}
	}
	return to
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
	for _, line := range strings.Split(m.Spec.Description, "\n") {
		if len(line) > 80 {
			t.Errorf("krew-index does not want this line of the description, of more than 80 characters: %q", line)
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

// unpack checks an archive's checksum and returns its files. Like krew it looks at the first bytes
// to find out what it is.
func unpack(t *testing.T, archive, sum string) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != sum {
		t.Errorf("%s has not the checksum %s", archive, sum)
	}
	files := map[string][]byte{}
	switch kind := http.DetectContentType(data); kind {
	case "application/zip":
		err = unzip(data, files)
	case "application/x-gzip":
		err = untar(data, files)
	default:
		err = fmt.Errorf("krew unpacks no %s", kind)
	}
	if err != nil {
		t.Fatalf("%s: %v", archive, err)
	}
	return files
}

func untar(data []byte, files map[string][]byte) error {
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	for r := tar.NewReader(zipped); ; {
		header, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if files[header.Name], err = io.ReadAll(r); err != nil {
			return err
		}
	}
}

func unzip(data []byte, files map[string][]byte) error {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	for _, f := range r.File {
		if files[f.Name], err = fs.ReadFile(r, f.Name); err != nil {
			return err
		}
	}
	return nil
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
