// Package state shows that it has the standard library only.
package state

import (
	_ "math/rand" // want depguard
	_ "net/netip"
	_ "os"      // want depguard
	_ "os/exec" // want depguard
	_ "syscall" // want depguard

	_ "github.com/vishvananda/netlink" // want depguard
	_ "k8s.io/apimachinery/pkg/types"  // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1"      // want depguard
	_ "github.com/netlab-dev/netlab/controllers/probe" // want depguard
)
