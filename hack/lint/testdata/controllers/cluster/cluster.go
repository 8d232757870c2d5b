// Package cluster shows that it knows no lab.
package cluster

import (
	_ "k8s.io/client-go/util/homedir"

	_ "github.com/netlab-dev/netlab/api/v1alpha1"
	_ "github.com/netlab-dev/netlab/controllers/lab" // want depguard
)
