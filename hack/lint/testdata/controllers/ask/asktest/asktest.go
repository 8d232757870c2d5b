// Package asktest uses the fake kernel and no other.
package asktest

import (
	_ "testing"

	_ "k8s.io/client-go/util/homedir" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/ask"
	_ "github.com/netlab-dev/netlab/controllers/kernel" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/kernel/fake"
)
