// Package capture writes files of packets that its caller reads.
package capture

import (
	_ "io"
	_ "os/exec" // want depguard

	_ "github.com/gopacket/gopacket/pcapgo"
	_ "golang.org/x/sys/unix" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/kernel/socket" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/packet"
	_ "github.com/netlab-dev/netlab/controllers/state" // want depguard
)
