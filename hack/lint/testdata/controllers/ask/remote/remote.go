// Package remote neither connects nor executes.
package remote

import (
	_ "encoding/json"
	_ "io"
	_ "net" // want depguard
	_ "net/netip"
	_ "os/exec" // want depguard

	_ "k8s.io/client-go/util/homedir" // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1"
	_ "github.com/netlab-dev/netlab/controllers/ask"
	_ "github.com/netlab-dev/netlab/controllers/diagnose" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state"
)
