// SPDX-License-Identifier: Apache-2.0

package rtnl

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// LinkName is the name of the link with an index.
func (c *Conn) LinkName(index int) (string, error) {
	var request unix.Ifreq
	request.SetUint32(uint32(index))
	if err := unix.IoctlIfreq(c.socket, unix.SIOCGIFNAME, &request); err != nil {
		return "", fmt.Errorf("find the link with index %d: %w", index, err)
	}
	return request.Name(), nil
}

// LinkIndex is the index of the link with a name; unix.ENODEV if there is none. The kernel also
// answers for alternative names, which another link may have: LinkIndex asks for the index' name
// and refuses a different one.
func (c *Conn) LinkIndex(name string) (int, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return 0, fmt.Errorf("%q is not a link name: %w", name, err)
	}
	if err := unix.IoctlIfreq(c.socket, unix.SIOCGIFINDEX, request); err != nil {
		return 0, err
	}
	index := request.Uint32()
	if err := unix.IoctlIfreq(c.socket, unix.SIOCGIFNAME, request); err != nil {
		return 0, err
	}
	if request.Name() != name {
		return 0, unix.ENODEV
	}
	return int(index), nil
}
