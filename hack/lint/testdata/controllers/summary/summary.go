// Package summary stands for the controller's half.
package summary

import (
	_ "os/exec" // want depguard

	_ "github.com/vishvananda/netlink" // want depguard
	_ "sigs.k8s.io/controller-runtime/pkg/event"

	_ "github.com/netlab-dev/netlab/controllers/cluster"
	_ "github.com/netlab-dev/netlab/controllers/diagnose" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/kernel"   // want depguard
	_ "github.com/netlab-dev/netlab/controllers/lab"
	_ "github.com/netlab-dev/netlab/controllers/probe" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/status"
)
