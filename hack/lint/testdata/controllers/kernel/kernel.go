// Package kernel shows what is allowed in the package that observes and changes labs,
// and what is forbidden even there.
package kernel

import (
	"os/exec" // want depguard
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	_ "github.com/vishvananda/netns" // want depguard
	"golang.org/x/sys/unix"
	_ "k8s.io/client-go/util/homedir"            // want depguard
	_ "sigs.k8s.io/controller-runtime/pkg/event" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/diagnose"     // want depguard
	_ "github.com/netlab-dev/netlab/controllers/kernel/fake"  // want depguard
	_ "github.com/netlab-dev/netlab/controllers/kernel/floor" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/kernel/netns"
	_ "github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	_ "github.com/netlab-dev/netlab/controllers/kernel/socket"
	_ "github.com/netlab-dev/netlab/controllers/lab"   // want depguard
	_ "github.com/netlab-dev/netlab/controllers/probe" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/state"
)

// Handles are opened here, and calls go through handles.
var allowed = []any{
	netlink.NewHandle,
	(*netlink.Handle).LinkAdd,
	netlink.NewLinkAttrs,
	netlink.LinkNotFoundError{},
	netlink.LinkUpdate{},
	netlink.RouteUpdate{},
	netlink.RouteGetOptions{},
	netlink.AddrSubscribeOptions{},
	netlink.FAMILY_V4,
}

func method(h *netlink.Handle, l netlink.Link) error { return h.LinkAdd(l) }

func call(l netlink.Link) error { return netlink.LinkAdd(l) } // want forbidigo

// twins.go, written by the test, has the functions that are methods of Handle
// too; these are the others.
var forbidden = []any{
	netlink.VethPeerIndex,             // want forbidigo
	netlink.NewHandleAt,               // want forbidigo
	netlink.NewHandleAtFrom,           // want forbidigo
	netlink.AddrSubscribe,             // want forbidigo
	netlink.AddrSubscribeAt,           // want forbidigo
	netlink.AddrSubscribeWithOptions,  // want forbidigo
	netlink.LinkSubscribe,             // want forbidigo
	netlink.LinkSubscribeAt,           // want forbidigo
	netlink.LinkSubscribeWithOptions,  // want forbidigo
	netlink.NeighSubscribe,            // want forbidigo
	netlink.NeighSubscribeAt,          // want forbidigo
	netlink.NeighSubscribeWithOptions, // want forbidigo
	netlink.RouteSubscribe,            // want forbidigo
	netlink.RouteSubscribeAt,          // want forbidigo
	netlink.RouteSubscribeWithOptions, // want forbidigo
	netlink.XfrmMonitor,               // want forbidigo
	nl.GetNetlinkSocketAt,             // want forbidigo
	nl.SubscribeAt,                    // want forbidigo
	runtime.LockOSThread,              // want forbidigo
	runtime.UnlockOSThread,            // want forbidigo
	unix.Setns,                        // want forbidigo
	unix.Unshare,                      // want forbidigo
	exec.Command,
}

var _ = []any{allowed, forbidden, method, call}
