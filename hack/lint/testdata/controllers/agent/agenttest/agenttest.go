// Package agenttest is for tests.
package agenttest

import (
	_ "github.com/netlab-dev/netlab/controllers/lab" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/probe"
)
