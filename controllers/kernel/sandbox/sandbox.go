// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Options are how a sandbox has to be.
type Options struct {
	// User asks for a user namespace even where the caller is root and needs none.
	User bool
}

// program is the running program, found even when its file was replaced or hidden by a mount.
const program = "/proc/self/exe"

// Variable says in which sandbox a process runs, and to init that it is one.
const (
	Variable   = "NETLAB_SANDBOX"
	initMarker = "init"
)

// Enter makes the program go on inside a sandbox. Inside, where it may be called again, it
// returns true. Elsewhere it returns when the program inside has ended, with its exit code
// (128 and the signal's number if a signal killed it), and the caller has nothing left to do but to
// exit with it, or with the error.
//
// What the program does before calling Enter it does three times, so that should be little.
func Enter(o Options) (inside bool, exit int, err error) {
	switch {
	case Inside():
		return true, 0, nil
	case os.Getpid() == 1 && os.Getenv(Variable) == initMarker:
		exit, err = runInit()
	default:
		exit, err = runOuter(o)
	}
	return false, exit, err
}

// Inside reports whether this process runs in a sandbox.
func Inside() bool {
	here, err := pidNamespace()
	return err == nil && os.Getenv(Variable) == here
}

// Privileged reports whether this process is root and may create namespaces without a
// user namespace around them.
func Privileged() bool {
	const capSysAdmin = 21
	return os.Geteuid() == 0 && effectiveCapabilities()&(1<<capSysAdmin) != 0
}

// TestMain runs a package's tests inside a sandbox and exits:
//
//	func TestMain(m *testing.M) { sandbox.TestMain(m) }
func TestMain(m interface{ Run() int }) {
	inside, exit, err := Enter(Options{})
	if inside {
		exit = m.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		exit = 1
	}
	os.Exit(exit)
}

// runOuter starts init in new namespaces and waits for it.
func runOuter(o Options) (exit int, err error) {
	// The kernel sends the signal of Pdeathsig when the thread that forked dies, not the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	private := o.User || !Privileged()
	signals := catchSignals()
	defer signals.stop()
	init, err := start(initMarker, namespaces(private))
	if err != nil {
		return 0, fmt.Errorf("start a sandbox: %w", explain(err, private))
	}
	go signals.forward(init)
	state, err := init.Wait()
	if err != nil {
		return 0, fmt.Errorf("wait for the sandbox: %w", err)
	}
	return exitCode(state.Sys().(syscall.WaitStatus)), nil
}

// namespaces says how init is cloned.
func namespaces(user bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	if user {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return attr
}

// start runs the program again with its own arguments, directory and standard files.
func start(marker string, attr *syscall.SysProcAttr) (*os.Process, error) {
	return os.StartProcess(program, os.Args, &os.ProcAttr{
		Env:   environment(marker),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   attr,
	})
}

func environment(marker string) []string {
	others := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, Variable+"=")
	})
	return append(others, Variable+"="+marker)
}

func pidNamespace() (string, error) { return os.Readlink("/proc/self/ns/pid") }

func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// effectiveCapabilities is zero if it cannot be read, which leads to a user namespace.
func effectiveCapabilities() uint64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if set, ok := strings.CutPrefix(line, "CapEff:"); ok {
			capabilities, _ := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			return capabilities
		}
	}
	return 0
}
