// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"unsafe"
)

// runInit prepares what is private, starts the program and reaps until the program has ended.
func runInit() (exit int, err error) {
	if err := prepare(); err != nil {
		return 0, fmt.Errorf("prepare the sandbox: %w", err)
	}
	here, err := pidNamespace()
	if err != nil {
		return 0, fmt.Errorf("prepare the sandbox: %w", err)
	}
	signals := catchSignals()
	defer signals.stop()
	child, err := start(here, nil)
	if err != nil {
		return 0, fmt.Errorf("start the program in the sandbox: %w", err)
	}
	go signals.forward(child)
	return reap(child.Pid)
}

// reap waits for every process that ends, orphans included, until pid has.
func reap(pid int) (exit int, err error) {
	for {
		var status syscall.WaitStatus
		switch ended, err := syscall.Wait4(-1, &status, 0, nil); {
		case err == syscall.EINTR:
		case err != nil:
			return 0, fmt.Errorf("wait for the program in the sandbox: %w", err)
		case ended == pid:
			return exitCode(status), nil
		}
	}
}

// prepare makes everything below / private first: until then a mount would show outside.
func prepare() error {
	if err := mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE); err != nil {
		return err
	}
	if err := mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC); err != nil {
		return err
	}
	if err := unmountLabs(); err != nil {
		return err
	}
	if err := mount("tmpfs", "/run", "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV); err != nil {
		return err
	}
	for _, dir := range []string{"/run/netlab", "/run/netns"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	return setLoopbackUp()
}

// unmountLabs takes the machine's own labs out of the list of mounts, in which they would stay below the sandbox's /run.
// A user namespace may not: the kernel refuses it with EINVAL.
func unmountLabs() error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("list mounts: %w", err)
	}
	for _, line := range slices.Backward(strings.Split(string(mounts), "\n")) {
		fields := strings.Fields(line) // id, parent, device, root, mount point …
		if len(fields) < 5 || !strings.HasPrefix(fields[4], "/run/netlab") && !strings.HasPrefix(fields[4], "/run/netns") {
			continue
		}
		err := syscall.Unmount(fields[4], syscall.MNT_DETACH)
		if err != nil && !(errors.Is(err, syscall.EINVAL) && inUserNamespace()) {
			return fmt.Errorf("unmount %s: %w", fields[4], err)
		}
	}
	return nil
}

func mount(source, target, kind string, flags uintptr) error {
	if err := syscall.Mount(source, target, kind, flags, ""); err != nil {
		return fmt.Errorf("mount on %s: %w", target, explain(err, inUserNamespace()))
	}
	return nil
}

// inUserNamespace reports whether this process is root only in a user namespace of a sandbox.
func inUserNamespace() bool {
	mapped, err := os.ReadFile("/proc/self/uid_map")
	fields := strings.Fields(string(mapped))
	return err == nil && len(fields) == 3 && fields[2] == "1"
}

func setLoopbackUp() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket to set lo up: %w", err)
	}
	defer syscall.Close(fd)
	// struct ifreq
	request := struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{name: [syscall.IFNAMSIZ]byte{'l', 'o'}, flags: syscall.IFF_UP}
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return fmt.Errorf("ip link set lo up: %w", errno)
	}
	return nil
}
