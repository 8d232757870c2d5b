// Package local is handed a kernel; it neither opens one nor knows a cluster.
package local

import (
	_ "os"
	_ "os/exec" // want depguard

	_ "golang.org/x/sys/unix" // want depguard
	_ "k8s.io/apimachinery/pkg/types"
	_ "k8s.io/client-go/util/homedir" // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1"
	_ "github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/kernel"                   // want depguard
	_ "github.com/netlab-dev/netlab/controllers/lab"
	_ "github.com/netlab-dev/netlab/controllers/probe"
	_ "github.com/netlab-dev/netlab/controllers/state"
)
