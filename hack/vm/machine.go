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

	"github.com/netlab-dev/netlab/hack/vm/job"
)

// machine is a virtual machine of QEMU.
type machine struct {
	kernel, initramfs string
	append            string
	memory, cpus      int
	steady            bool
}

// kernelArguments make the kernel boot fast, end the emulator when it panics, and believe in the
// processor's clock, which is a cheap one here.
const kernelArguments = "console=" + job.MessagesLine + " panic=-1 quiet rcupdate.rcu_expedited=1 nokaslr mitigations=off tsc=reliable no_timer_check rdinit=/init"

// An emulator that is given too little time now and then never gets a kernel to run. Nothing has
// happened then, and another one is started.
const (
	bootTime     = 90 * time.Second
	bootAttempts = 3
)

var errNotBooted = errors.New("the machine has not booted within " + bootTime.String())

// run starts the machine, passes on what the command prints and returns its exit code.
func (m machine) run(ctx context.Context, work string) (code int, err error) {
	for range bootAttempts {
		start := time.Now()
		code, err = m.runOnce(ctx, work)
		if err == nil {
			fmt.Fprintf(os.Stderr, "vm: exit code %d after %.0f s\n", code, time.Since(start).Seconds())
		}
		if !errors.Is(err, errNotBooted) {
			return code, err
		}
		fmt.Fprintf(os.Stderr, "vm: %v\n", err)
	}
	return code, err
}

func (m machine) runOnce(ctx context.Context, work string) (code int, err error) {
	messages, exit := filepath.Join(work, "messages"), filepath.Join(work, "exit")
	reader, writer, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", m.arguments(messages, exit)...)
	cmd.ExtraFiles = []*os.File{writer}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	if err := errors.Join(err, writer.Close()); err != nil {
		return 0, fmt.Errorf("start the emulator: %w; run hack/vm/deps.sh", err)
	}
	watchdog := time.AfterFunc(bootTime, func() {
		if !booted(messages) {
			cancel(errNotBooted)
		}
	})
	defer watchdog.Stop()
	_, copied := io.Copy(os.Stdout, reader)
	if err := errors.Join(context.Cause(ctx), cmd.Wait(), copied); err != nil {
		return 0, fmt.Errorf("run the emulator: %w%s", err, last(messages))
	}
	if code, err = exitCode(exit); err != nil {
		return 0, fmt.Errorf("%w%s", err, last(messages))
	}
	return code, nil
}

func booted(messages string) bool {
	text, err := os.ReadFile(messages)
	return err == nil && strings.Contains(string(text), job.Booted)
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
