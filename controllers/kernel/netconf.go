// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// What linux/netconf.h has and x/sys/unix does not name.
const (
	netconfIndex      = 1  // NETCONFA_IFINDEX
	netconfForwarding = 2  // NETCONFA_FORWARDING
	netconfRPFilter   = 3  // NETCONFA_RP_FILTER
	netconfProxy      = 5  // NETCONFA_PROXY_NEIGH
	netconfAll        = -1 // NETCONFA_IFINDEX_ALL
	netconfDefault    = -2 // NETCONFA_IFINDEX_DEFAULT
)

// netconfRequests are the settings that RTM_GETNETCONF carries, several in a message. All others of a
// namespace have to be read from files, which takes longer than everything else.
var netconfRequests = []struct {
	family   uint8
	scope    int32
	settings map[uint16]state.Setting
}{
	{unix.AF_INET, netconfAll, map[uint16]state.Setting{
		netconfForwarding: state.IPv4Forwarding, netconfRPFilter: state.AllRPFilter, netconfProxy: state.AllProxyARP,
	}},
	{unix.AF_INET, netconfDefault, map[uint16]state.Setting{netconfRPFilter: state.RPFilter, netconfProxy: state.ProxyARP}},
	{unix.AF_INET6, netconfAll, map[uint16]state.Setting{netconfForwarding: state.IPv6Forwarding}},
}

// netconf returns the settings that the kernel tells in messages; the others, and those of a family it does
// not have, are absent.
func (c *conn) netconf() (values state.NamespaceSettings, err error) {
	for _, q := range netconfRequests {
		err := c.Get(unix.RTM_GETNETCONF, 0, func(msg []byte) error {
			return rtnl.Attributes(msg[min(len(msg), netconfMsgSize):], func(kind uint16, value []byte) error {
				if s, ok := q.settings[kind]; ok {
					values[s] = state.ValueOf(int(int32(rtnl.Uint32(value))))
				}
				return nil
			})
		}, netconfMsg{q.family}, rtnl.Uint32Attribute(netconfIndex, uint32(q.scope)))
		if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
			return values, fmt.Errorf("read network settings: %w", err)
		}
	}
	return values, nil
}

// netconfMsg is struct netconfmsg.
type netconfMsg struct{ family uint8 }

const netconfMsgSize = 4 // with its padding

func (m netconfMsg) Len() int          { return netconfMsgSize }
func (m netconfMsg) Serialize() []byte { return []byte{m.family, 0, 0, 0} }

var _ nl.NetlinkRequestData = netconfMsg{}
