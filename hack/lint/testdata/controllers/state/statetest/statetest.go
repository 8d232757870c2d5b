// Package statetest is for tests.
package statetest

import (
	_ "github.com/netlab-dev/netlab/controllers/probe" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state"
)
