package lab

import (
	_ "os" // a test may read its files
	"runtime"
	"testing"

	_ "github.com/vishvananda/netlink" // want depguard
	_ "github.com/vishvananda/netns"   // want depguard
	_ "golang.org/x/sys/unix"          // want depguard
)

func TestThread(*testing.T) { runtime.LockOSThread() } // want forbidigo
