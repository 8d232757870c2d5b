// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// Lacks is what this machine's kernel cannot do.
func (k *Kernel) Lacks() statetest.Features { return k.lacks() }

// For the tests outside the package.
var (
	Apart      = apart
	InParallel = inParallel
)
