// Package manifest reads files; it knows neither a kernel nor a cluster.
package manifest

import (
	_ "os"
	_ "os/exec" // want depguard

	_ "k8s.io/apimachinery/pkg/types"
	_ "k8s.io/client-go/util/homedir" // want depguard
	_ "sigs.k8s.io/yaml"

	_ "github.com/netlab-dev/netlab/api/v1alpha1"
	_ "github.com/netlab-dev/netlab/controllers/lab"
	_ "github.com/netlab-dev/netlab/controllers/probe" // want depguard
)
