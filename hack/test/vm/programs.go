// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os/exec"
	"path"
	"strings"
)

// programs are what tests and people type, from the packages that deps.sh names and those that
// every Debian has.
var programs = []string{
	"ip", "tc", "bridge", "sysctl", "ping", "ps", "nsenter", "unshare", "flock", "mount", "umount", "sh", "bash",
	"awk", "basename", "cat", "chmod", "cmp", "cp", "cut", "date", "diff", "dirname", "dmesg", "env", "expr", "false", "find",
	"grep", "head", "id", "kill", "ln", "ls", "mkdir", "mktemp", "mv", "printf", "pwd", "readlink", "realpath", "rm",
	"rmdir", "sed", "seq", "sleep", "sort", "stat", "tail", "tee", "test", "timeout", "touch", "tr", "true", "uname", "uniq",
	"wc", "xargs",
}

// addPrograms copies programs of this machine and the libraries they are linked with.
func (a *archive) addPrograms() error {
	a.addSymlink("/bin", "usr/bin")
	a.addSymlink("/sbin", "usr/bin")
	for _, name := range programs {
		file, err := exec.LookPath(name)
		if err != nil {
			return fmt.Errorf("%w; run hack/test/vm/deps.sh", err)
		}
		if err := a.addFile(path.Join("/usr/bin", name), file); err != nil {
			return err
		}
		if err := a.addLibraries(file); err != nil {
			return err
		}
	}
	return nil
}

// addLibraries puts a program's libraries where the dynamic linker finds them here.
func (a *archive) addLibraries(program string) error {
	// Of a script or a static program ldd says, with exit code 1, that there are none.
	out, _ := exec.Command("ldd", program).Output()
	for field := range strings.FieldsSeq(string(out)) {
		if !path.IsAbs(field) {
			continue
		}
		if err := a.addFile(field, field); err != nil {
			return fmt.Errorf("a library of %s: %w", program, err)
		}
	}
	return nil
}
