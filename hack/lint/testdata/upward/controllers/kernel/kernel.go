// Package kernel imports what imports kernel. The compiler would refuse the cycle
// in the real place, so the sample lives in another directory of that name.
package kernel

import _ "github.com/netlab-dev/netlab/controllers/agent" // want depguard
