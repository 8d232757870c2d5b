// Package agent stands for the node's half.
package agent

import (
	_ "os/exec" // want depguard
	"runtime"

	_ "github.com/vishvananda/netlink" // want depguard
	_ "github.com/vishvananda/netns"   // want depguard
	_ "golang.org/x/sys/unix"          // want depguard
	_ "sigs.k8s.io/controller-runtime/pkg/event"

	_ "github.com/netlab-dev/netlab/controllers/kernel" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/probe"
	_ "github.com/netlab-dev/netlab/controllers/state"
	_ "github.com/netlab-dev/netlab/controllers/summary" // want depguard
)

func init() {
	runtime.LockOSThread()   // want forbidigo
	runtime.UnlockOSThread() // want forbidigo
}
