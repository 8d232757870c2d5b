// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// Every setting of the namespace and of a link is changed by hand, one after the other. Observe must find each
// setting as it is in its file, wherever it reads it: from the dump of links, from RTM_GETNETCONF, from a file
// that is kept open.
func TestEverySettingIsAsInItsFile(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, playOn(tutorialLab(), set(ns1, "net.ipv6.conf.all.disable_ipv6", "0")))
	var keys []state.SettingKey
	for _, key := range observe(t, k, tutorialLab()).State[ns1].SettingKeys() {
		if key.Link == "" || key.Link == "l1" {
			keys = append(keys, key)
		}
	}
	if want := len(namespaceSettings) + len(state.LinkSettings{}); len(keys) != want {
		t.Fatalf("%d settings, want %d", len(keys), want)
	}
	for _, changed := range keys {
		was := readFile(t, k, changed)
		writeFile(t, k, changed, another(was))
		found := observe(t, k, tutorialLab()).State[ns1]
		for _, key := range keys {
			if got, want := found.Setting(key), readFile(t, k, key); got.String() != want {
				t.Errorf("after %s was set from %s to %s: %s is %s, the file says %s", changed, was, another(was), key, got, want)
			}
		}
		writeFile(t, k, changed, was)
	}
}

// another is a value that every setting takes and that differs.
func another(value string) string {
	switch value {
	case "0":
		return "1"
	case "64":
		return "65"
	}
	return "0"
}

func readFile(t *testing.T, k *Kernel, key state.SettingKey) (value string) {
	t.Helper()
	inFile(t, k, func() error {
		content, err := os.ReadFile(settingsDir + "/" + key.Path())
		value = strings.TrimSpace(string(content))
		return err
	})
	if _, err := strconv.Atoi(value); err != nil {
		t.Fatalf("%s is %q", key, value)
	}
	return value
}

func writeFile(t *testing.T, k *Kernel, key state.SettingKey, value string) {
	t.Helper()
	inFile(t, k, func() error { return os.WriteFile(settingsDir+"/"+key.Path(), []byte(value), 0) })
}

func inFile(t *testing.T, k *Kernel, do func() error) {
	t.Helper()
	if err := k.Enter(ns1, do); err != nil {
		t.Fatal(err)
	}
}
