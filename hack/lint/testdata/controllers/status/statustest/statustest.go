// Package statustest is for tests.
package statustest

import (
	_ "github.com/netlab-dev/netlab/controllers/kernel" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/lab/labtest"
	_ "github.com/netlab-dev/netlab/controllers/status"
)
