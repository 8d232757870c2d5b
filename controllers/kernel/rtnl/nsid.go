// SPDX-License-Identifier: Apache-2.0

package rtnl

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// NoNSID is the nsid of a network namespace that has none here (NETNSA_NSID_NOT_ASSIGNED).
const NoNSID = -1

// sizeofNamespaceHeader is struct rtgenmsg with its padding.
const sizeofNamespaceHeader = 4

// NSID is the number by which the Conn's network namespace refers to another one, an open file;
// NoNSID if it has none for it.
func (c *Conn) NSID(namespace int) (int32, error) {
	id := int32(NoNSID)
	err := c.Get(unix.RTM_GETNSID, 0, func(msg []byte) (err error) {
		id, err = nsidOf(msg)
		return err
	}, nl.NewRtGenMsg(), Uint32Attribute(unix.NETNSA_FD, uint32(namespace)))
	return id, err
}

// EnsureNSID returns the nsid of an open network namespace and assigns one first if there is none.
func (c *Conn) EnsureNSID(namespace int) (int32, error) {
	id, err := c.NSID(namespace)
	if err == nil && id == NoNSID {
		if err = c.assignNSID(namespace); err == nil {
			id, err = c.NSID(namespace)
		}
	}
	if err != nil {
		return NoNSID, fmt.Errorf("assign an nsid: %w", err)
	}
	return id, nil
}

// assignNSID lets the kernel choose the number. EEXIST: another process was faster.
func (c *Conn) assignNSID(namespace int) error {
	anyID := int32(NoNSID)
	err := c.Send(unix.RTM_NEWNSID, 0, nl.NewRtGenMsg(),
		Uint32Attribute(unix.NETNSA_NSID, uint32(anyID)), Uint32Attribute(unix.NETNSA_FD, uint32(namespace)))
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

// HasNSID reports whether an nsid is in use. It is as long as its network namespace exists.
func (c *Conn) HasNSID(id int32) (bool, error) {
	err := c.Get(unix.RTM_GETNSID, 0, func([]byte) error { return nil },
		nl.NewRtGenMsg(), Uint32Attribute(unix.NETNSA_NSID, uint32(id)))
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil, err
}

// nsidOf reads the number that a message of the NSID family is about.
func nsidOf(msg []byte) (int32, error) {
	id := int32(NoNSID)
	if len(msg) < sizeofNamespaceHeader {
		return id, errors.New("truncated nsid message")
	}
	err := Attributes(msg[sizeofNamespaceHeader:], func(kind uint16, value []byte) error {
		if kind == unix.NETNSA_NSID {
			id = int32(Uint32(value))
		}
		return nil
	})
	return id, err
}
