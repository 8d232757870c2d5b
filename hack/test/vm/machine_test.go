// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// emulator stands for QEMU: a script that finds its serial lines where QEMU would, and behaves at
// each start as the next of the given lines of shell says. started is how often it was started.
func emulator(t *testing.T, starts ...string) (program string, started func() int) {
	t.Helper()
	dir := t.TempDir()
	script := `#!/bin/sh
set -u
for argument; do case $argument in file:*) set -- "$@" "${argument#file:}";; esac; done
while [ $# -gt 3 ]; do shift; done
messages=$1 out=/dev/fd/3 exit=$3
: >"$messages"; : >"$exit"
echo start >>` + dir + `/starts
case $(wc -l <` + dir + `/starts) in
`
	for i, start := range starts {
		script += fmt.Sprintf("%d) %s ;;\n", i+1, start)
	}
	program = filepath.Join(dir, "emulator")
	if err := os.WriteFile(program, []byte(script+"esac\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return program, func() int {
		text, _ := os.ReadFile(filepath.Join(dir, "starts"))
		return bytes.Count(text, []byte("\n"))
	}
}

// What an emulator may do at a start.
const (
	silent  = `exec sleep 1000`
	passes  = `echo Linux version 6.1 >$messages; echo ok >$out; echo 0 >$exit`
	fails   = `echo Linux version 6.1 >$messages; echo FAIL >$out; echo 1 >$exit`
	panics  = `echo Kernel panic >$messages`
	tooLate = `echo Linux version 6.1 >$messages; sleep 4; echo ok >$out; echo 0 >$exit`
	breaks  = `echo no memory >&2; exit 1`
)

// A machine is started once more if its kernel never ran, and only then: what a command says is
// said once, and its failure is never tried away.
func TestOnlyASilentMachineIsStartedOnceMore(t *testing.T) {
	for _, c := range []struct {
		name    string
		starts  []string
		code    int
		err     string // part of the error
		printed string
		started int
	}{
		{"a command that passes", []string{passes}, 0, "", "ok\n", 1},
		{"a silent machine", []string{silent, passes}, 0, "", "ok\n", 2},
		{"a silent machine, and then a command that fails", []string{silent, fails, passes}, 1, "", "FAIL\n", 2},
		{"a machine that stays silent", []string{silent, silent, passes}, 0, errSilent.Error(), "", 2},
		{"a command that fails", []string{fails, passes}, 1, "", "FAIL\n", 1},
		{"a kernel that panics", []string{panics, passes}, 0, "the machine ended before the command did", "", 1},
		{"a command that takes its time", []string{tooLate}, 0, "", "ok\n", 1},
		{"an emulator that does not start", []string{breaks, passes}, 0, "exit status 1", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			program, started := emulator(t, c.starts...)
			var printed bytes.Buffer
			code, err := machine{emulator: program, silence: 3 * time.Second}.run(t.Context(), t.TempDir(), &printed)
			if code != c.code || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("exit code %d, error %v", code, err)
			}
			if printed.String() != c.printed {
				t.Errorf("printed %q, not %q", printed.String(), c.printed)
			}
			if got := started(); got != c.started {
				t.Errorf("started %d times, not %d", got, c.started)
			}
		})
	}
}
