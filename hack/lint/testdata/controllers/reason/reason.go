// Package reason has texts, and knows no lab.
package reason

import (
	_ "embed"
	_ "os"   // want depguard
	_ "time" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/lab" // want depguard
)
