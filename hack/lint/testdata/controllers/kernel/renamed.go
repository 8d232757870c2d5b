package kernel

import nl "github.com/vishvananda/netlink"

// The rules match what a name means, not how it is spelled.
var _ = nl.LinkDel // want forbidigo
