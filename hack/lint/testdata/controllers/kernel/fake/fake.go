// Package fake is a kernel in memory.
package fake

import (
	_ "syscall"

	_ "golang.org/x/sys/unix" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/kernel/rtnl" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state"
)
