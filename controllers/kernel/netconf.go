// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"maps"
	"strconv"

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
	family uint8
	scope  int32
	names  map[uint16]string
}{
	{unix.AF_INET, netconfAll, map[uint16]string{
		netconfForwarding: state.SysctlForwarding,
		netconfRPFilter:   state.LinkSysctl4("all", "rp_filter"),
		netconfProxy:      state.LinkSysctl4("all", "proxy_arp"),
	}},
	{unix.AF_INET, netconfDefault, map[uint16]string{
		netconfRPFilter: state.LinkSysctl4("default", "rp_filter"),
		netconfProxy:    state.LinkSysctl4("default", "proxy_arp"),
	}},
	{unix.AF_INET6, netconfAll, map[uint16]string{netconfForwarding: state.SysctlForwarding6}},
}

// netconf returns the settings that the kernel tells in messages, by name. A family it does not
// have is left out.
func (c *conn) netconf() (map[string]string, error) {
	values := map[string]string{}
	for _, q := range netconfRequests {
		told, err := c.netconfValues(q.family, q.scope, q.names)
		if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
			return nil, fmt.Errorf("read network settings: %w", err)
		}
		maps.Copy(values, told)
	}
	return values, nil
}

func (c *conn) netconfValues(family uint8, scope int32, names map[uint16]string) (map[string]string, error) {
	told := map[string]string{}
	err := c.Get(unix.RTM_GETNETCONF, 0, func(msg []byte) error {
		return rtnl.Attributes(msg[min(len(msg), netconfMsgSize):], func(kind uint16, value []byte) error {
			if name, ok := names[kind]; ok {
				told[name] = strconv.Itoa(int(int32(rtnl.Uint32(value))))
			}
			return nil
		})
	}, netconfMsg{family}, rtnl.Uint32Attribute(netconfIndex, uint32(scope)))
	return told, err
}

// netconfMsg is struct netconfmsg.
type netconfMsg struct{ family uint8 }

const netconfMsgSize = 4 // with its padding

func (m netconfMsg) Len() int          { return netconfMsgSize }
func (m netconfMsg) Serialize() []byte { return []byte{m.family, 0, 0, 0} }

var _ nl.NetlinkRequestData = netconfMsg{}
