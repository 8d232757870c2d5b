// Package nodeexec knows Pods and the exec API, and nothing of networks.
package nodeexec

import (
	_ "os"
	_ "os/exec" // want depguard

	_ "k8s.io/apimachinery/pkg/types"
	_ "k8s.io/client-go/util/homedir"
	_ "sigs.k8s.io/controller-runtime/pkg/event" // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1"
	_ "github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/lab"                   // want depguard
)
