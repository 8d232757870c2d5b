// Package netns is where threads are locked and namespaces entered.
package netns

import (
	"runtime"

	_ "github.com/vishvananda/netlink" // want depguard
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	_ "github.com/netlab-dev/netlab/controllers/kernel/rtnl" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state"       // want depguard
)

var allowed = []any{
	runtime.LockOSThread,
	runtime.UnlockOSThread,
	unix.Setns,
	unix.Unshare,
	netns.Get,
	netns.GetFromPath,
}

var forbidden = []any{
	netns.DeleteNamed,   // want forbidigo
	netns.GetFromDocker, // want forbidigo
	netns.GetFromName,   // want forbidigo
	netns.New,           // want forbidigo
	netns.NewNamed,      // want forbidigo
	netns.Set,           // want forbidigo
	netns.Setns,         // want forbidigo
}

var _ = []any{allowed, forbidden}
