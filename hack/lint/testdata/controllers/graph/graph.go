// Package graph shows what is not pure.
package graph

import (
	_ "math/rand" // want depguard
	_ "os"        // want depguard
	_ "syscall"   // want depguard
	_ "time"      // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1"
	_ "github.com/netlab-dev/netlab/controllers/diagnose"
	_ "github.com/netlab-dev/netlab/controllers/lab"
	_ "github.com/netlab-dev/netlab/controllers/probe" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state"
)
