// Package floor makes the kernel's writes and nothing else.
package floor

import (
	"runtime"

	_ "github.com/vishvananda/netlink" // want depguard
	_ "github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	_ "github.com/netlab-dev/netlab/controllers/kernel/rtnl" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state"
)

var _ = []any{runtime.LockOSThread, unix.Setns}
