// SPDX-License-Identifier: Apache-2.0

package state

import (
	"bytes"
	"cmp"
	"fmt"
)

// MAC is an Ethernet address.
type MAC [6]byte

func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// MACEntry says behind which port of a switch an Ethernet address was last seen.
type MACEntry struct {
	MAC MAC
	// VLAN is 0 on a switch that does not filter.
	VLAN uint16
	Port string
}

// Compare orders entries by VLAN, then address.
func (e MACEntry) Compare(o MACEntry) int {
	return cmp.Or(cmp.Compare(e.VLAN, o.VLAN), bytes.Compare(e.MAC[:], o.MAC[:]), cmp.Compare(e.Port, o.Port))
}
