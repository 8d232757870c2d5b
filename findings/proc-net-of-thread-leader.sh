#!/usr/bin/env bash
# A thread in another network namespace reads its own settings in /proc/sys/net and the first thread's links in /proc/net.
#
# Software: Linux; Go, golang.org/x/sys v0.49.0
# Source:   proc_net_init() in fs/proc/proc_net.c makes /proc/net a link to self/net, and "self" is the process, not
#           the thread; net_ctl_header_lookup() in net/sysctl_net.c takes the namespace of the calling thread
# Guess:    what lies below /proc belongs to one namespace, the thread's
# Seen:     a locked goroutine that has left for a new namespace reads that one's TTL in /proc/sys/net, and in /proc/net/dev
#           the link of the namespace it came from; /proc/thread-self/net/dev is right
# So:       after setns() on a thread, /proc/net, and every library that reads it, answers for another namespace

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 go:golang-go
go_program golang.org/x/sys@v0.49.0 <<'EOF'
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

func hasLink(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return strings.Contains(string(text), "origin:")
}

func inNewNamespace() {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		panic(err)
	}
	const ttl = "/proc/sys/net/ipv4/ip_default_ttl"
	if err := os.WriteFile(ttl, []byte("99"), 0); err != nil {
		panic(err)
	}
	text, err := os.ReadFile(ttl)
	if err != nil {
		panic(err)
	}
	fmt.Println(ttl, strings.TrimSpace(string(text)))
	for _, path := range []string{"/proc/net/dev", "/proc/thread-self/net/dev"} {
		fmt.Println(path, hasLink(path))
	}
}

func main() {
	runtime.LockOSThread() // The first thread stays where it is.
	done := make(chan struct{})
	go func() {
		defer close(done)
		inNewNamespace()
	}()
	<-done
}
EOF
enter

ip link add name origin type veth peer name end
"$FINDING_DIR/program" >"$FINDING_DIR/seen"
seen() { sed -n "s,^$1 ,,p" "$FINDING_DIR/seen"; }
expect "TTL written and read in the new namespace" "$(seen /proc/sys/net/ipv4/ip_default_ttl)" 99
expect "/proc/net/dev has the old namespace's link" "$(seen /proc/net/dev)" true
expect "/proc/thread-self/net/dev has it" "$(seen /proc/thread-self/net/dev)" false
expect "TTL of the old namespace is 99" "$(grep -cx 99 /proc/sys/net/ipv4/ip_default_ttl || true)" 0
