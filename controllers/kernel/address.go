// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// rawAddress is an address as a namespace's kernel describes it.
type rawAddress struct {
	index  int
	prefix netip.Prefix
	// network is the prefix' other address: the peer's on a point-to-point one, else the same.
	network netip.Addr
	flags   uint32
	scope   uint8
	// broadcast is the address that all on the link take; the zero Addr for none.
	broadcast netip.Addr
	// expires says that its valid or preferred lifetime ends; metric is its route's.
	expires bool
	metric  uint32
}

// addresses lists a namespace's addresses of both families, in the order of each interface.
func (c *conn) addresses() ([]rawAddress, error) {
	var all []rawAddress
	err := c.Get(unix.RTM_GETADDR, unix.NLM_F_DUMP, func(msg []byte) error {
		a, ok, err := parseAddress(msg)
		if ok {
			all = append(all, a)
		}
		return err
	}, nl.NewIfAddrmsg(unix.AF_UNSPEC))
	return all, err
}

// parseAddress says in ok whether it is an IP address at all.
func parseAddress(msg []byte) (a rawAddress, ok bool, err error) {
	if len(msg) < unix.SizeofIfAddrmsg {
		return rawAddress{}, false, errors.New("truncated address message")
	}
	header := nl.DeserializeIfAddrmsg(msg)
	if header.Family != unix.AF_INET && header.Family != unix.AF_INET6 {
		return rawAddress{}, false, nil
	}
	a = rawAddress{index: int(header.Index), flags: uint32(header.Flags), scope: header.Scope}
	var local netip.Addr
	err = rtnl.Attributes(msg[unix.SizeofIfAddrmsg:], func(kind uint16, value []byte) error {
		switch kind {
		case unix.IFA_LOCAL:
			local = rtnl.Addr(value)
		case unix.IFA_ADDRESS:
			a.network = rtnl.Addr(value)
		case unix.IFA_FLAGS:
			a.flags = rtnl.Uint32(value)
		case unix.IFA_BROADCAST:
			a.broadcast = rtnl.Addr(value)
		case unix.IFA_CACHEINFO: // struct ifa_cacheinfo begins with both lifetimes
			a.expires = rtnl.Uint32(value) != infiniteLifetime || rtnl.Uint32(value[min(4, len(value)):]) != infiniteLifetime
		case unix.IFA_RT_PRIORITY:
			a.metric = rtnl.Uint32(value)
		}
		return nil
	})
	// IPv6 has IFA_LOCAL only beside a peer's address.
	if !local.IsValid() {
		local = a.network
	}
	a.prefix = netip.PrefixFrom(local, int(header.Prefixlen))
	return a, local.IsValid(), err
}

// kernelMade reports the addresses that lo gets when it is set up.
func (a rawAddress) kernelMade(link rawLink) bool {
	return link.loopback && (a.prefix == netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 8) ||
		a.prefix == netip.PrefixFrom(netip.IPv6Loopback(), 128))
}

func (s *session) addAddress(op state.AddAddress) error {
	h, index, err := s.find(state.LinkID{Namespace: op.Namespace, Name: op.Link})
	if err != nil {
		return err
	}
	request := addressRequest(index, op.Prefix, op.Prefix.Addr())
	if op.Prefix.Addr().Is6() {
		request = append(request, rtnl.Uint32Attribute(unix.IFA_FLAGS, unix.IFA_F_NODAD))
	}
	err = h.conn.Send(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, request...)
	if op.Prefix.Addr().Is6() && errors.Is(err, unix.EOPNOTSUPP) {
		return featureMissing("IPv6", err)
	}
	return err
}

// deleteAddress deletes an address. The kernel finds an IPv4 one by the network of its peer, which
// somebody may have set and an operation does not carry: it is looked up when the plain form is not there.
func (s *session) deleteAddress(op state.DeleteAddress) error {
	h, index, err := s.find(state.LinkID{Namespace: op.Namespace, Name: op.Link})
	if err != nil {
		return ignoreGone(err)
	}
	err = h.conn.Send(unix.RTM_DELADDR, 0, addressRequest(index, op.Prefix, op.Prefix.Addr())...)
	if !errors.Is(err, unix.EADDRNOTAVAIL) {
		return ignoreGone(err)
	}
	all, err := h.conn.addresses()
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.index == index && a.prefix == op.Prefix {
			return ignoreGone(h.conn.Send(unix.RTM_DELADDR, 0, addressRequest(index, a.prefix, a.network)...))
		}
	}
	return nil
}

// moveAddress has both namespaces open before it begins.
func (s *session) moveAddress(op state.MoveAddress) error {
	if _, _, err := s.find(state.LinkID{Namespace: op.To.Namespace, Name: op.To.Link}); err != nil {
		return err
	}
	if err := s.deleteAddress(state.DeleteAddress{AddressID: op.From}); err != nil {
		return err
	}
	return s.addAddress(state.AddAddress{AddressID: op.To})
}

func addressRequest(index int, prefix netip.Prefix, network netip.Addr) []nl.NetlinkRequestData {
	header := nl.NewIfAddrmsg(family(prefix.Addr()))
	header.Index = uint32(index)
	header.Prefixlen = uint8(prefix.Bits())
	header.Scope = addressScope(prefix.Addr())
	return []nl.NetlinkRequestData{
		header,
		nl.NewRtAttr(unix.IFA_LOCAL, prefix.Addr().AsSlice()),
		nl.NewRtAttr(unix.IFA_ADDRESS, network.AsSlice()),
	}
}

// addressScope is what ip address gives an address.
func addressScope(a netip.Addr) uint8 {
	switch {
	case a.IsLoopback():
		return unix.RT_SCOPE_HOST
	case a.Is6() && a.IsLinkLocalUnicast():
		return unix.RT_SCOPE_LINK
	}
	return unix.RT_SCOPE_UNIVERSE
}

func family(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// ignoreGone drops the errors that say there is nothing to delete.
func ignoreGone(err error) error {
	if rtnl.IsGone(err) || errors.Is(err, netns.ErrNotMounted) {
		return nil
	}
	return err
}

// addressVia reads struct rtvia: a family in host order, then an address.
func addressVia(value []byte) netip.Addr {
	if len(value) < 2 {
		return netip.Addr{}
	}
	if f := binary.NativeEndian.Uint16(value); f != unix.AF_INET && f != unix.AF_INET6 {
		return netip.Addr{}
	}
	return rtnl.Addr(value[2:])
}
