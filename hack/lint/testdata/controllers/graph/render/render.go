// Package render knows no lab.
package render

import (
	_ "os" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/graph/layout"
	_ "github.com/netlab-dev/netlab/controllers/lab" // want depguard
)
