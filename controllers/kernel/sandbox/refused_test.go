// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheFixNamesTheSettingThatForbids(t *testing.T) {
	const apparmor, clone, limit = "kernel/apparmor_restrict_unprivileged_userns", "kernel/unprivileged_userns_clone", "user/max_user_namespaces"
	tests := []struct {
		name     string
		settings map[string]string
		want     string
	}{
		{"Ubuntu since 24.04", map[string]string{apparmor: "1", clone: "1", limit: "100"}, "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
		{"an old Debian", map[string]string{clone: "0", limit: "100"}, "sysctl -w kernel.unprivileged_userns_clone=1"},
		{"a hardened machine", map[string]string{limit: "0"}, "sysctl -w user.max_user_namespaces=1000"},
		{"a container's filter", map[string]string{apparmor: "0", clone: "1", limit: "100"}, "this system does not let you use user namespaces"},
		{"no settings at all", nil, "this system does not let you use user namespaces"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sysctls := fstest.MapFS{}
			for file, value := range test.settings {
				sysctls[file] = &fstest.MapFile{Data: []byte(value + "\n")}
			}
			got := fix(sysctls)
			if !strings.Contains(got, test.want) || !strings.Contains(got, "use sudo") {
				t.Errorf("got %q, want it to say %q and sudo", got, test.want)
			}
		})
	}
}
