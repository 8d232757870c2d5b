// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Of linux/if_bridge.h: attributes of multicast groups, and struct br_mdb_entry.
const (
	mdbTable      = 1 // MDBA_MDB
	mdbGroup      = 1 // MDBA_MDB_ENTRY
	mdbPort       = 1 // MDBA_MDB_ENTRY_INFO
	mdbPermanent  = 1 // MDB_PERMANENT
	sizeofMDBPort = 28
	sizeofPortMsg = 8 // struct br_port_msg
)

// groups finds multicast groups that somebody gave a bridge's port to stay. IPv6 looks for its neighbours
// by such groups, and a bridge that knows one sends it nowhere else.
func (in *interferer) groups() error {
	err := in.handle.conn.Get(unix.RTM_GETMDB, unix.NLM_F_DUMP, func(msg []byte) error {
		if len(msg) < sizeofPortMsg {
			return errors.New("truncated multicast group message")
		}
		return rtnl.Nested(msg[sizeofPortMsg:], []uint16{mdbTable, mdbGroup, mdbPort}, in.group)
	}, portMsg{})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return err
}

// ofEthernet stands for a group's address that is a MAC.
const ofEthernet = "of Ethernet"

// group is struct br_mdb_entry: the port's index, state, flags, VLAN, then the address and its protocol.
func (in *interferer) group(entry []byte) {
	if len(entry) < sizeofMDBPort || entry[4] != mdbPermanent {
		return
	}
	port := in.links[int(binary.NativeEndian.Uint32(entry))]
	group := ofEthernet
	switch binary.BigEndian.Uint16(entry[24:]) {
	case unix.ETH_P_IP:
		group = rtnl.Addr(entry[8:12]).String()
	case unix.ETH_P_IPV6:
		group = rtnl.Addr(entry[8:24]).String()
	}
	bridge := in.links[port.master].name
	found := state.Unmanaged{
		What: fmt.Sprintf("a static multicast group, %s at %s", group, port.name),
		Look: fmt.Sprintf("bridge -n %s mdb show dev %s", in.handle.name, bridge),
	}
	if vlan := binary.NativeEndian.Uint16(entry[6:]); vlan == 0 && group != ofEthernet {
		found.Undo = fmt.Sprintf("bridge -n %s mdb delete dev %s port %s grp %s permanent", in.handle.name, bridge, port.name, group)
	}
	in.found = append(in.found, found)
}

// portMsg is an empty struct br_port_msg: those of all bridges.
type portMsg struct{}

func (portMsg) Len() int { return sizeofPortMsg }
func (portMsg) Serialize() []byte {
	return append([]byte{unix.AF_BRIDGE}, make([]byte, sizeofPortMsg-1)...)
}

var _ nl.NetlinkRequestData = portMsg{}
