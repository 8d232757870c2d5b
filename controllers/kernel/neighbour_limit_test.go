// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLimitsOfTheNeighbourTableAreOnlyRaised(t *testing.T) {
	dir := t.TempDir()
	if err := RaiseNeighbourLimits(dir, 4096); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "hostNetwork") {
		t.Errorf("in a network namespace without the settings: %v", err)
	}
	before := map[string]string{
		"ipv4/gc_thresh1": "128", "ipv4/gc_thresh2": "512", "ipv4/gc_thresh3": "1024",
		"ipv6/gc_thresh1": "128", "ipv6/gc_thresh2": "4000", "ipv6/gc_thresh3": "8192",
	}
	after := map[string]string{
		"ipv4/gc_thresh1": "512", "ipv4/gc_thresh2": "2048", "ipv4/gc_thresh3": "4096",
		"ipv6/gc_thresh1": "512", "ipv6/gc_thresh2": "4000", "ipv6/gc_thresh3": "8192",
	}
	file := func(key string) string {
		family, name, _ := strings.Cut(key, "/")
		return filepath.Join(dir, family, "neigh", "default", name)
	}
	for key, value := range before {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file(key)), 0o700), os.WriteFile(file(key), []byte(value+"\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := RaiseNeighbourLimits(dir, 4096); err != nil {
			t.Fatal(err)
		}
		for key, want := range after {
			got, err := os.ReadFile(file(key))
			if err != nil || strings.TrimSpace(string(got)) != want {
				t.Errorf("%s is %q, want %s: %v", key, got, want, err)
			}
		}
	}
}
