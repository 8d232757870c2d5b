// SPDX-License-Identifier: Apache-2.0

// Package strace parses strace's output and separates system calls that change the kernel's state from
// those that only read it. Tests that promise no change use it.
package strace

import (
	"regexp"
	"strconv"
	"strings"
)

// Calls is the filter that strace needs (-e): netlink messages, mounts, and files opened to be
// written. strace needs -y as well: a setting is opened relative to its directory, and only the
// directory's path says that it is one.
const Calls = "trace=sendto,sendmsg,mount,umount2,open,openat,unlinkat,symlinkat,mkdirat"

var (
	messageType = regexp.MustCompile(`nlmsg_type=(RTM_\w+|0x[0-9a-f]+)`)
	fileWrite   = regexp.MustCompile(`umount2?\(|mount\(|unlinkat\(|symlinkat\(|mkdirat\(|O_(WRONLY|RDWR).*/proc/sys|/proc/sys.*O_(WRONLY|RDWR)`)
)

// SawNetlink reports whether a trace holds netlink messages at all.
func SawNetlink(trace []byte) bool { return messageType.Match(trace) }

// KernelWrites are the lines of a trace that change something in the kernel.
func KernelWrites(trace []byte) []string {
	var writes []string
	for line := range strings.Lines(string(trace)) {
		if m := messageType.FindStringSubmatch(line); fileWrite.MatchString(line) || (m != nil && !asksOnly(m[1])) {
			writes = append(writes, strings.TrimSpace(line))
		}
	}
	return writes
}

// asksOnly reports whether a netlink message of that type changes nothing. strace prints the
// number where it does not know the socket. Numbers of rtnetlink(7) come in fours from 16 on:
// new, delete, get, set.
func asksOnly(kind string) bool {
	if n, err := strconv.ParseInt(kind, 0, 32); err == nil {
		return n < 16 || n%4 == 2
	}
	return strings.HasPrefix(kind, "RTM_GET")
}
