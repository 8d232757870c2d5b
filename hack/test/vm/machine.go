// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/netlab-dev/netlab/hack/test/vm/job"
)

// machine is a virtual machine of QEMU.
type machine struct {
	emulator          string // the program
	kernel, initramfs string
	append            string
	memory, cpus      int
	steady            bool
	// silence is how long the kernel may take to say its first word.
	silence time.Duration
}

// kernelArguments make the kernel boot fast, end the emulator when it panics, and believe in the
// processor's clock, which is a cheap one here. At this log level a kernel says little more than
// its version, which it says first: a machine that has said nothing runs no kernel.
const kernelArguments = "console=" + job.MessagesLine + " panic=-1 loglevel=6 rcupdate.rcu_expedited=1 nokaslr mitigations=off tsc=reliable no_timer_check rdinit=/init"

// silence and bootTime are several times what the busiest machine takes, on which a machine
// boots in 30 s; on a quiet one it is 3 s.
const (
	silence  = 90 * time.Second
	bootTime = 3 * time.Minute
)

var (
	errSilent    = errors.New("the machine runs no kernel: it has said nothing")
	errNotBooted = errors.New("the machine has not booted within " + bootTime.String())
)

// run starts the machine, passes on what the command prints and returns its exit code. One emulator
// in some dozens, on a busy machine, never gets its kernel to run. It has not begun with the
// command, so this is not the command's failure: it is started once more, and once only.
func (m machine) run(ctx context.Context, work string, stdout io.Writer) (code int, err error) {
	code, err = m.runOnce(ctx, work, stdout)
	if errors.Is(err, errSilent) {
		fmt.Fprintf(os.Stderr, "vm: %v for %v; starting it once more\n", errSilent, m.silence)
		code, err = m.runOnce(ctx, work, stdout)
	}
	return code, err
}

func (m machine) runOnce(ctx context.Context, work string, stdout io.Writer) (code int, err error) {
	start := time.Now()
	messages, exit := filepath.Join(work, "messages"), filepath.Join(work, "exit")
	reader, writer, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, m.emulator, m.arguments(messages, exit)...)
	cmd.ExtraFiles = []*os.File{writer}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	if err := errors.Join(err, writer.Close()); err != nil {
		return 0, fmt.Errorf("start the emulator: %w; run hack/test/vm/deps.sh", err)
	}
	defer m.watch(messages, cancel)()
	_, copied := io.Copy(stdout, reader)
	if err := errors.Join(context.Cause(ctx), cmd.Wait(), copied); err != nil {
		return 0, fmt.Errorf("run the emulator: %w%s", err, last(messages))
	}
	if code, err = exitCode(exit); err != nil {
		return 0, fmt.Errorf("%w%s", err, last(messages))
	}
	fmt.Fprintf(os.Stderr, "vm: exit code %d after %.0f s\n", code, time.Since(start).Seconds())
	return code, nil
}

// watch ends a machine whose kernel does not run, and one that does not get to the command.
func (m machine) watch(messages string, end context.CancelCauseFunc) (stop func()) {
	endUnless := func(said string, why error) func() {
		return func() {
			if text, _ := os.ReadFile(messages); len(text) == 0 || !strings.Contains(string(text), said) {
				end(why)
			}
		}
	}
	kernel := time.AfterFunc(m.silence, endUnless("", errSilent))
	command := time.AfterFunc(bootTime, endUnless(job.Booted, errNotBooted))
	return func() { kernel.Stop(); command.Stop() }
}

func (m machine) arguments(messages, exit string) []string {
	arguments := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-cpu", "max",
		"-m", strconv.Itoa(m.memory), "-kernel", m.kernel, "-initrd", m.initramfs,
		"-append", strings.TrimSpace(kernelArguments + " " + m.append),
		"-serial", "file:" + messages, "-serial", "file:/dev/fd/3", "-serial", "file:" + exit,
	}
	if m.steady {
		// 8 ns an instruction: no emulator is much faster.
		return append(arguments, "-accel", "tcg,thread=single", "-smp", "1", "-icount", "shift=3,sleep=off", "-rtc", "clock=vm")
	}
	return append(arguments, "-accel", "tcg,thread=multi", "-smp", strconv.Itoa(m.cpus))
}

// exitCode reads what init wrote.
func exitCode(file string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	code, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, errors.New("the machine ended before the command did")
	}
	return code, nil
}

// last is the end of the kernel's messages, for an error.
func last(messages string) string {
	const most = 4000
	text, _ := os.ReadFile(messages)
	if len(text) == 0 {
		return ""
	}
	return "; the kernel said\n" + string(text[max(0, len(text)-most):])
}
