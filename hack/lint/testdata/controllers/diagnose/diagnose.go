// Package diagnose shows that it does not reach for the kernel itself.
package diagnose

import (
	_ "net/netip"

	_ "github.com/vishvananda/netlink" // want depguard
	_ "k8s.io/apimachinery/pkg/types"  // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1"
	_ "github.com/netlab-dev/netlab/controllers/probe" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state"
)
