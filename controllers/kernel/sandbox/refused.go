// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// barriers are the settings that forbid user namespaces, with the value that does.
var barriers = []struct{ file, forbids, setting, fix string }{
	{"kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns", "0"},
	{"kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone", "1"},
	{"user/max_user_namespaces", "0", "user.max_user_namespaces", "1000"},
}

// explain adds to a refusal which setting is behind it and what to do. The errors differ: EPERM
// for a policy, ENOSPC for a limit, EUSERS for too many user namespaces inside each other.
func explain(err error, user bool) error {
	refused := errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EUSERS)
	if !user || !refused {
		return err
	}
	return fmt.Errorf("%w: %s", err, fix(os.DirFS("/proc/sys")))
}

// fix names the first setting under /proc/sys that forbids user namespaces.
func fix(sysctls fs.FS) string {
	for _, b := range barriers {
		value, err := fs.ReadFile(sysctls, b.file)
		if err == nil && strings.TrimSpace(string(value)) == b.forbids {
			return fmt.Sprintf("user namespaces are forbidden by %s=%s; use sudo, or: sysctl -w %s=%s", b.setting, b.forbids, b.setting, b.fix)
		}
	}
	return "this system does not let you use user namespaces; use sudo"
}
