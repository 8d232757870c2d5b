// Package graphtest is for tests.
package graphtest

import (
	_ "github.com/netlab-dev/netlab/controllers/graph"
	_ "github.com/netlab-dev/netlab/controllers/graph/layout" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/lab/labtest"
)
