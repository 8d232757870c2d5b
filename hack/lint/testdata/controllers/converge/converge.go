// Package converge knows a kernel only by its own interface.
package converge

import (
	_ "context"
	_ "os/exec" // want depguard

	_ "k8s.io/apimachinery/pkg/types" // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1"    // want depguard
	_ "github.com/netlab-dev/netlab/controllers/lab" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state"
)
