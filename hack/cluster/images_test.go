// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNamesAreThoseThatContainerdGives(t *testing.T) {
	for name, want := range map[string]string{
		"netlab-pause:dev":            "docker.io/library/netlab-pause:dev",
		"netlab-dev/pause:1":          "docker.io/netlab-dev/pause:1",
		"ghcr.io/netlab-dev/pause:1":  "ghcr.io/netlab-dev/pause:1",
		"localhost/pause:1":           "localhost/pause:1",
		"registry:5000/team/pause:1":  "registry:5000/team/pause:1",
		"docker.io/library/busybox:1": "docker.io/library/busybox:1",
	} {
		if got := fullName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestTheNameOfAnImageIsReadFromItsArchive(t *testing.T) {
	tests := []struct{ name, manifest, want, problem string }{
		{"named", `[{"RepoTags": ["pause:1", "pause:latest"]}]`, "docker.io/library/pause:1", ""},
		{"unnamed", `[{"RepoTags": null}]`, "", "no image with a name"},
		{"empty", `[]`, "", "no image with a name"},
		{"broken", `{`, "", "manifest.json"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := imageName(archiveOf(t, "manifest.json", test.manifest))
			wantProblem(t, err, test.problem)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	t.Run("no image at all", func(t *testing.T) {
		_, err := imageName(archiveOf(t, "readme.txt", "hello"))
		wantProblem(t, err, "there is no manifest.json in it")
	})
}

// archiveOf writes a tar with one file after another that is of no interest.
func archiveOf(t *testing.T, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "image.tar")
	file := must(os.Create(path))(t)
	archive := tar.NewWriter(file)
	for name, content := range map[string]string{"layer": "layer", name: content} {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantProblem wants an error that says so, or none.
func wantProblem(t *testing.T, err error, says string) {
	t.Helper()
	switch {
	case says == "" && err != nil:
		t.Errorf("got error %q, want none", err)
	case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
		t.Errorf("got error %v, want one that says %q", err, says)
	}
}
