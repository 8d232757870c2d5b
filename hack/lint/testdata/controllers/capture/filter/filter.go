// Package filter compiles text and opens nothing.
package filter

import (
	_ "net/netip"

	_ "golang.org/x/net/bpf"
	_ "golang.org/x/net/ipv4" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/capture" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/packet"
)
