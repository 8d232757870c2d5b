// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"net/netip"

	"github.com/netlab-dev/netlab/controllers/kernel/socket"
	"github.com/netlab-dev/netlab/controllers/packet"
)

// DialICMP opens a socket for echo requests in a lab's network namespace; see socket.DialICMP.
func (k *Kernel) DialICMP(namespace string, family int, dontFragment bool, source netip.Addr) (*socket.ICMPConn, error) {
	var c *socket.ICMPConn
	err := k.Enter(namespace, func() (err error) {
		c, err = socket.DialICMP(family, dontFragment, source)
		return err
	})
	return c, err
}

// DialPacket opens a packet socket in a lab's network namespace; see socket.DialPacket.
func (k *Kernel) DialPacket(namespace string, o packet.Options) (*socket.PacketConn, error) {
	var c *socket.PacketConn
	err := k.Enter(namespace, func() (err error) {
		c, err = socket.DialPacket(namespace, NamespaceDir+"/"+namespace, o)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen to packets in %s: %w", namespace, err)
	}
	return c, nil
}
