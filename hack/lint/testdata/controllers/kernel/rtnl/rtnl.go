// Package rtnl exchanges messages, whatever they are about.
package rtnl

import (
	"runtime"

	_ "github.com/vishvananda/netlink/nl"
	_ "github.com/vishvananda/netns" // want depguard
	_ "golang.org/x/sys/unix"

	_ "github.com/netlab-dev/netlab/controllers/state" // want depguard
)

var _ = runtime.LockOSThread // want forbidigo
