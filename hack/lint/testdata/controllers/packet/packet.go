// Package packet holds plain values.
package packet

import (
	_ "net/netip"

	_ "github.com/gopacket/gopacket" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/state" // want depguard
)
