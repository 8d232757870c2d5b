// Package socket opens raw sockets, for whatever passes them.
package socket

import (
	_ "net"

	_ "github.com/vishvananda/netlink/nl"
	_ "golang.org/x/sys/unix"

	_ "github.com/netlab-dev/netlab/controllers/kernel/netns"
	_ "github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	_ "github.com/netlab-dev/netlab/controllers/packet"
	_ "github.com/netlab-dev/netlab/controllers/probe" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state" // want depguard
)
