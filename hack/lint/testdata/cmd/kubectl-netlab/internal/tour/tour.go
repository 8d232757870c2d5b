// Package tour is a page and how it is read.
package tour

import (
	_ "os" // want depguard
	_ "regexp"

	_ "github.com/netlab-dev/netlab/controllers/lab" // want depguard
)
