// SPDX-License-Identifier: Apache-2.0

// Init is the first process of a virtual machine of hack/test/vm. It mounts the usual file systems, loads
// the kernel's modules, runs one command, writes its exit code, and reboots the machine, which ends
// QEMU.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/netlab-dev/netlab/hack/test/vm/job"
)

// The exit codes of a shell for a command that it cannot start or that a signal ended.
const (
	notStarted = 127
	signalled  = 128
)

func main() {
	code, err := boot()
	if err == nil {
		err = os.WriteFile(filepath.Join("/dev", job.ExitLine), []byte(strconv.Itoa(code)), 0)
	}
	if err != nil {
		// Standard error is the kernel's console.
		fmt.Fprintln(os.Stderr, "init:", err)
	}
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART)
}

func boot() (code int, err error) {
	if err := mountAll(); err != nil {
		return 0, err
	}
	data, err := os.ReadFile(job.File)
	if err != nil {
		return 0, err
	}
	var j job.Job
	if err := json.Unmarshal(data, &j); err != nil {
		return 0, fmt.Errorf("read %s: %w", job.File, err)
	}
	for _, module := range j.Modules {
		if err := load(module); err != nil {
			return 0, err
		}
	}
	fmt.Fprintln(os.Stderr, job.Booted)
	return run(j)
}

// load gives a module to the kernel: nothing else would, there is no modprobe here.
func load(file string) error {
	image, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	noParameters := []byte{0}
	_, _, errno := syscall.Syscall(syscall.SYS_INIT_MODULE,
		uintptr(unsafe.Pointer(&image[0])), uintptr(len(image)), uintptr(unsafe.Pointer(&noParameters[0])))
	if errno != 0 {
		return fmt.Errorf("load %s: %w", file, errno)
	}
	return nil
}

// run runs the command, reaps whatever its processes leave behind, and passes on what it prints. The
// command writes to a pipe, because a program on a serial line takes it for a terminal.
func run(j job.Job) (code int, err error) {
	line, err := openRaw(filepath.Join("/dev", job.OutputLine))
	if err != nil {
		return 0, err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	copied := make(chan error)
	go func() {
		_, err := io.Copy(line, out)
		copied <- err
	}()
	code, err = runCommand(j, in)
	// Everything but init: what still holds the pipe would keep it open.
	_ = syscall.Kill(-1, syscall.SIGKILL)
	return code, errors.Join(err, in.Close(), <-copied, drain(line))
}

func runCommand(j job.Job, out *os.File) (code int, err error) {
	command, err := start(j, out)
	if err != nil {
		fmt.Fprintln(out, err)
		return notStarted, nil
	}
	return reap(command.Pid)
}

func start(j job.Job, out *os.File) (*os.Process, error) {
	for name, value := range j.Env {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	if err := os.Chdir(j.Dir); err != nil {
		return nil, err
	}
	program, err := exec.LookPath(j.Command[0])
	if err != nil {
		return nil, err
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer nothing.Close()
	return os.StartProcess(program, j.Command, &os.ProcAttr{
		Files: []*os.File{nothing, out, out}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
}

func reap(pid int) (code int, err error) {
	for {
		var status syscall.WaitStatus
		switch ended, err := syscall.Wait4(-1, &status, 0, nil); {
		case err == syscall.EINTR:
		case err != nil:
			return 0, fmt.Errorf("wait for the command: %w", err)
		case ended == pid && status.Signaled():
			return signalled + int(status.Signal()), nil
		case ended == pid:
			return status.ExitStatus(), nil
		}
	}
}
