// Package layout knows no lab.
package layout

import (
	_ "time" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/graph"
	_ "github.com/netlab-dev/netlab/controllers/lab" // want depguard
)
