// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Where a node finds what it is given.
const (
	settingsDirectory = "/var/lib/netlab-cluster"     // certificates and configurations
	programsDirectory = "/run/netlab-cluster/bin"     // those of Kubernetes
	kernelSettings    = "/run/netlab-cluster/sysctls" // see freezeKernelSettings
)

// kubeletSysctls are the settings that a kubelet wants to have, for the whole machine, with
// the values it wants.
var kubeletSysctls = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// mountMachine makes the mount namespace of this process that of a node: the machine's file
// system, read-only, with /run, /var and /sys of the node's own. The sandbox has made
// everything private and mounted /run and /proc.
func mountMachine(n node) error {
	if err := bind(n.Programs, programsDirectory); err != nil {
		return err
	}
	if err := mountSys(); err != nil {
		return err
	}
	if err := freezeKernelSettings(); err != nil {
		return err
	}
	if err := bind("/tmp", "/tmp"); err != nil { // stays writable
		return err
	}
	if err := bind(n.directory().variable(), "/var"); err != nil {
		return err
	}
	if err := mount("", "/", "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY); err != nil {
		return err
	}
	// What a pod with Bidirectional propagation mounts must reach the node and its other pods.
	return mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED)
}

// mountSys shows the node's own network interfaces in /sys/class/net.
func mountSys() error {
	const aside = "/run/netlab-cluster/cgroup"
	if err := bind(string(machineCgroups), aside); err != nil {
		return err
	}
	if err := mount("sysfs", "/sys", "sysfs", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC); err != nil {
		return err
	}
	if err := mount(aside, string(machineCgroups), "", syscall.MS_BIND|syscall.MS_REC); err != nil {
		return err
	}
	return syscall.Unmount(aside, syscall.MNT_DETACH)
}

// freezeKernelSettings shows the kubelet files with the values it wants instead of the kernel's
// settings, which belong to the whole machine and are none of its business here.
func freezeKernelSettings() error {
	for name, value := range kubeletSysctls {
		file := filepath.Join(kernelSettings, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := mount(file, filepath.Join("/proc/sys", name), "", syscall.MS_BIND); err != nil {
			return err
		}
	}
	return nil
}

// bind shows source, with what is mounted below it, at target.
func bind(source, target string) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	return mount(source, target, "", syscall.MS_BIND|syscall.MS_REC)
}

func mount(source, target, kind string, flags uintptr) error {
	if err := syscall.Mount(source, target, kind, flags, ""); err != nil {
		return fmt.Errorf("mount %s on %s: %w", source, target, err)
	}
	return nil
}
