// Package ask knows no cluster and opens no kernel.
package ask

import (
	_ "context"
	_ "os/exec" // want depguard

	_ "golang.org/x/sys/unix"         // want depguard
	_ "k8s.io/client-go/util/homedir" // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1"
	_ "github.com/netlab-dev/netlab/controllers/capture"
	_ "github.com/netlab-dev/netlab/controllers/capture/filter"
	_ "github.com/netlab-dev/netlab/controllers/converge"
	_ "github.com/netlab-dev/netlab/controllers/diagnose"
	_ "github.com/netlab-dev/netlab/controllers/kernel"      // want depguard
	_ "github.com/netlab-dev/netlab/controllers/kernel/fake" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/lab"
	_ "github.com/netlab-dev/netlab/controllers/packet"
	_ "github.com/netlab-dev/netlab/controllers/probe"
	_ "github.com/netlab-dev/netlab/controllers/state"
	_ "github.com/netlab-dev/netlab/controllers/status"
)
