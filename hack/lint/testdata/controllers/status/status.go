// Package status shows what is not pure.
package status

import (
	_ "math/rand" // want depguard
	_ "os"        // want depguard
	_ "os/exec"   // want depguard
	_ "syscall"   // want depguard

	_ "k8s.io/apimachinery/pkg/types"
	_ "k8s.io/client-go/util/homedir" // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1"
	_ "github.com/netlab-dev/netlab/controllers/diagnose" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/lab"
	_ "github.com/netlab-dev/netlab/controllers/probe" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state"
)
