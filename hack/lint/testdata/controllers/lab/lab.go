// Package lab shows what is not pure.
package lab

import (
	_ "math/rand" // want depguard
	_ "net/netip"
	_ "os"      // want depguard
	_ "os/exec" // want depguard
	_ "syscall" // want depguard

	_ "github.com/vishvananda/netlink" // want depguard
	_ "k8s.io/apimachinery/pkg/types"
	_ "k8s.io/client-go/util/homedir" // want depguard
	_ "sigs.k8s.io/yaml"              // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1"
	_ "github.com/netlab-dev/netlab/controllers/probe" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state"
)
