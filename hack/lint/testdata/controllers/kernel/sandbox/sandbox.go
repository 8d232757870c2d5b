// Package sandbox is entered before anything else runs.
package sandbox

import (
	_ "os/exec" // want depguard
	"runtime"
	_ "syscall"

	_ "golang.org/x/sys/unix" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/state" // want depguard
)

var _ = runtime.LockOSThread
