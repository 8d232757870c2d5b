// Package probe shows that only the standard library is allowed.
package probe

import (
	"io"
	_ "net"
	_ "os/exec" // want depguard

	_ "golang.org/x/net/icmp" // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1" // want depguard
)

// The result of Close counts, unless it is deferred.
func finish(r, w io.Closer) {
	defer r.Close()
	w.Close() // want errcheck
}

var _ = finish
