// Package labtest is for tests.
package labtest

import (
	_ "github.com/netlab-dev/netlab/controllers/kernel" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/lab"
)
