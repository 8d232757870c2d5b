// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"net/netip"
	"slices"
	"syscall"

	"github.com/netlab-dev/netlab/controllers/state"
)

// The smallest and largest MTU of a veth.
const minMTU, maxMTU = 68, 65535

// refuse returns the errno with which a kernel in this state refuses op.
func (k *Kernel) refuse(op state.Op) error {
	s := k.state
	switch op := op.(type) {
	case state.CreateNamespace:
		if ns := s[op.Name]; ns.Mounted && ns.Label != op.Label {
			return syscall.EEXIST
		}
	case state.SetSysctl:
		return refuseSysctl(s, op)
	case state.AddLink:
		return refuseLink(s, op)
	case state.DeleteLink:
		if op.Name == state.Loopback && s[op.Namespace].Mounted {
			return syscall.EOPNOTSUPP
		}
	case state.SetAdmin:
		return missingLink(s, op.LinkID)
	case state.SetMTU:
		return refuseMTU(s, op)
	case state.SetMAC:
		return refuseMAC(s, op)
	case state.SetGroup:
		return missingLink(s, op.LinkID)
	case state.ReleaseLink:
		return missingLink(s, op.LinkID)
	case state.AddBridge:
		return refuseNew(s, op.LinkEnd, state.Link{Kind: state.BridgeLink})
	case state.SetBridge:
		return missingLink(s, op.LinkID)
	case state.AddVLANLink:
		return refuseVLANLink(s, op)
	case state.SetMaster:
		return refuseMaster(s, op)
	case state.SetPortVLAN:
		return refusePortVLAN(s, state.LinkID{Namespace: op.Namespace, Name: op.Link})
	case state.ReplaceQdisc:
		return missingLink(s, op.LinkID)
	case state.AddAddress:
		return refuseAddress(s, op)
	case state.MoveAddress:
		return missingLink(s, state.LinkID{Namespace: op.To.Namespace, Name: op.To.Link})
	case state.AddPrefixRoute:
		return refusePrefixRoute(s, op)
	case state.ReplaceRoute:
		return refuseRoute(k.fibOf(op.Namespace), op)
	case state.ReplaceNeighbour:
		return refuseNeighbour(s, op)
	case state.DeleteNamespace, state.AddSymlink, state.DeleteSymlink, state.DeletePortVLAN, state.DeleteQdisc, state.DeleteChildQdisc,
		state.ResetAttribute, state.DeleteAddress, state.DeleteRoute, state.DeleteNextHop, state.DeleteNeighbour: // nothing left to do is no error
	}
	return nil
}

func missingNamespace(s state.State, name string) error {
	if !s[name].Mounted {
		return syscall.ENOENT
	}
	return nil
}

func missingLink(s state.State, id state.LinkID) error {
	if err := missingNamespace(s, id.Namespace); err != nil {
		return err
	}
	if _, ok := s[id.Namespace].Links[id.Name]; !ok {
		return syscall.ENODEV
	}
	return nil
}

// refusePortVLAN: only bridges and their ports are in VLANs.
func refusePortVLAN(s state.State, id state.LinkID) error {
	if err := missingLink(s, id); err != nil {
		return err
	}
	if link := s[id.Namespace].Links[id.Name]; link.Master == "" && link.Kind != state.BridgeLink {
		return syscall.EOPNOTSUPP
	}
	return nil
}

// refuseSysctl: a setting is a file of /proc/sys; without the link, or without IPv6 on it,
// there is none.
func refuseSysctl(s state.State, op state.SetSysctl) error {
	if err := missingNamespace(s, op.Namespace); err != nil {
		return err
	}
	n := s[op.Namespace]
	if n.Setting(op.SettingKey) == state.Absent && !op.IsBridge() {
		return syscall.ENOENT
	}
	return nil
}

func refuseLink(s state.State, op state.AddLink) error {
	for _, end := range op.Ends {
		if err := missingNamespace(s, end.Namespace); err != nil {
			return err
		}
	}
	if plugged(s, op) {
		return nil
	}
	for _, end := range op.Ends {
		_, taken := s[end.LinkID.Namespace].Links[end.LinkID.Name]
		switch {
		case end.MTU < minMTU || end.MTU > maxMTU:
			return syscall.EINVAL
		case multicast(end.MAC):
			return syscall.EADDRNOTAVAIL
		case taken || op.Ends[0].LinkID == op.Ends[1].LinkID:
			return syscall.EEXIST
		}
	}
	return nil
}

// refuseNew is for links of one end. One that is there already is not an error.
func refuseNew(s state.State, end state.LinkEnd, want state.Link) error {
	if err := missingNamespace(s, end.Namespace); err != nil {
		return err
	}
	have, taken := s[end.LinkID.Namespace].Links[end.LinkID.Name]
	switch {
	case taken && have.Kind == want.Kind && have.Parent == want.Parent && have.VLAN == want.VLAN && have.Group == state.LinkGroup:
		return nil
	case end.MTU < minMTU || end.MTU > maxMTU:
		return syscall.EINVAL
	case multicast(end.MAC):
		return syscall.EADDRNOTAVAIL
	case taken:
		return syscall.EEXIST
	}
	return nil
}

// refuseVLANLink: there is one interface per VLAN on a link, and it is no larger.
func refuseVLANLink(s state.State, op state.AddVLANLink) error {
	parent := state.LinkID{Namespace: op.Namespace, Name: op.Parent}
	if err := missingLink(s, parent); err != nil {
		return err
	}
	want := state.Link{Kind: state.VLANLink, Parent: op.Parent, VLAN: op.VLAN}
	for name, link := range s[op.Namespace].Links {
		if name != op.Name && link.Kind == want.Kind && link.Parent == want.Parent && link.VLAN == want.VLAN {
			return syscall.EEXIST
		}
	}
	if op.MTU > s[parent.Namespace].Links[parent.Name].MTU {
		return syscall.ERANGE
	}
	return refuseNew(s, op.LinkEnd, want)
}

// refuseMaster: a bridge cannot be a port, and only a bridge has ports.
func refuseMaster(s state.State, op state.SetMaster) error {
	if err := missingLink(s, op.LinkID); err != nil {
		return err
	}
	master := state.LinkID{Namespace: op.Namespace, Name: op.Master}
	switch {
	case missingLink(s, master) != nil:
		return syscall.ENODEV
	case s[master.Namespace].Links[master.Name].Kind != state.BridgeLink:
		return syscall.EOPNOTSUPP
	case s[op.LinkID.Namespace].Links[op.LinkID.Name].Kind == state.BridgeLink:
		return syscall.ELOOP
	case op.Name == state.Loopback:
		return syscall.EINVAL
	}
	return nil
}

// plugged reports whether the pair is already there: adding it again is not an error.
func plugged(s state.State, op state.AddLink) bool {
	a, b := op.Ends[0].LinkID, op.Ends[1].LinkID
	return a != b && s[a.Namespace].Links[a.Name].Peer == b && s[b.Namespace].Links[b.Name].Peer == a
}

func multicast(mac state.MAC) bool { return mac[0]&1 != 0 }

func refuseMTU(s state.State, op state.SetMTU) error {
	if err := missingLink(s, op.LinkID); err != nil {
		return err
	}
	if op.Name != state.Loopback && (op.MTU < minMTU || op.MTU > maxMTU) {
		return syscall.EINVAL
	}
	return nil
}

func refuseMAC(s state.State, op state.SetMAC) error {
	if err := missingLink(s, op.LinkID); err != nil {
		return err
	}
	if op.Name != state.Loopback && (multicast(op.MAC) || op.MAC == state.MAC{}) {
		return syscall.EADDRNOTAVAIL
	}
	return nil
}

func refuseAddress(s state.State, op state.AddAddress) error {
	id := state.LinkID{Namespace: op.Namespace, Name: op.Link}
	if err := missingLink(s, id); err != nil {
		return err
	}
	switch address := op.Prefix.Addr(); {
	case address.Is4():
		return nil
	case !hasIPv6(s, id) || address.IsMulticast() || address.IsUnspecified():
		return syscall.EINVAL
	case ipv6Disabled(s, id):
		return syscall.EACCES
	}
	return nil
}

// refusePrefixRoute: a route needs a link that is up, and for IPv6 one that has it.
func refusePrefixRoute(s state.State, op state.AddPrefixRoute) error {
	id := state.LinkID{Namespace: op.Namespace, Name: op.Link}
	if err := missingLink(s, id); err != nil {
		return err
	}
	switch {
	case op.Prefix.Addr().Is6() && !hasIPv6(s, id):
		return syscall.ENODEV
	case op.Prefix.Addr().Is6() && ipv6Disabled(s, id):
		return syscall.EACCES
	case !s[id.Namespace].Links[id.Name].Up:
		return syscall.ENETDOWN
	}
	return nil
}

// refuseNeighbour: an IPv6 entry needs a link that has it.
func refuseNeighbour(s state.State, op state.ReplaceNeighbour) error {
	id := state.LinkID{Namespace: op.Namespace, Name: op.Link}
	if err := missingLink(s, id); err != nil {
		return err
	}
	if op.Address.Is6() && (!hasIPv6(s, id) || ipv6Disabled(s, id)) {
		return syscall.EINVAL
	}
	return nil
}

// hasIPv6 reports whether the MTU allows the link IPv6 at all.
func hasIPv6(s state.State, id state.LinkID) bool {
	return s[id.Namespace].Links[id.Name].MTU >= state.MinIPv6MTU
}

func ipv6Disabled(s state.State, id state.LinkID) bool {
	return s[id.Namespace].Links[id.Name].Settings[state.DisableIPv6] == state.On
}

func refuseRoute(f fib, op state.ReplaceRoute) error {
	if err := missingNamespace(f.state, op.Namespace); err != nil {
		return err
	}
	for _, hop := range op.NextHops() { // the message names links by index, so these come first
		if err := missingLink(f.state, state.LinkID{Namespace: op.Namespace, Name: hop.Link}); err != nil {
			return err
		}
	}
	for _, hop := range op.NextHops() {
		if err := f.refuseHop(op.Prefix.Addr(), hop); err != nil {
			return err
		}
	}
	if op.Source.IsValid() && !f.local(op.Source) {
		return syscall.EINVAL
	}
	return nil
}

// refuseHop follows fib_check_nh and fib6_nh_init, in their order.
func (f fib) refuseHop(destination netip.Addr, hop state.NextHop) error {
	id := state.LinkID{Namespace: f.namespace, Name: hop.Link}
	switch {
	case destination.Is6() || hop.Via.Is6():
		return f.refuseHop6(id, hop)
	case hop.Via.IsValid():
		return f.refuseGateway4(id, hop)
	case !f.state[id.Namespace].Links[id.Name].Up:
		return syscall.ENETDOWN
	}
	return nil
}

func (f fib) refuseGateway4(id state.LinkID, hop state.NextHop) error {
	via := hop.Via
	switch {
	case f.hasAddress(id, via) && !hop.OnLink:
		if !f.state[id.Namespace].Links[id.Name].Up {
			return syscall.ENETDOWN
		}
		return nil
	case f.broadcast(id, via), hop.OnLink && f.own(via):
		return syscall.EINVAL
	case !hop.OnLink && !f.onLink(id, via):
		return syscall.ENETUNREACH
	}
	return nil
}

func (f fib) refuseHop6(id state.LinkID, hop state.NextHop) error {
	via := hop.Via
	switch {
	case !hasIPv6(f.state, id):
		return syscall.ENODEV
	case via.IsValid() && f.own(via):
		return syscall.EINVAL
	case via.IsValid() && !hop.OnLink && !state.IsLinkLocal(via) && !f.onLink(id, via):
		return syscall.EHOSTUNREACH
	case ipv6Disabled(f.state, id):
		return syscall.EACCES
	case !f.state[id.Namespace].Links[id.Name].Up:
		return syscall.ENETDOWN
	}
	return nil
}

// hasAddress reports whether address is the link's own.
func (f fib) hasAddress(id state.LinkID, address netip.Addr) bool {
	return slices.ContainsFunc(f.addresses(id.Name), func(p netip.Prefix) bool { return p.Addr() == address })
}

// own reports whether address is on any of the node's links, up or down.
func (f fib) own(address netip.Addr) bool {
	for name := range f.state[f.namespace].Links {
		if f.hasAddress(state.LinkID{Namespace: f.namespace, Name: name}, address) {
			return true
		}
	}
	return false
}

// onLink reports whether the best route to address over the link has no gateway.
func (f fib) onLink(id state.LinkID, address netip.Addr) bool {
	entry, ok := f.best(address, func(hop state.NextHop) bool { return hop.Link == id.Name && !hop.Via.IsValid() })
	return ok && entry.kind == state.Unicast
}

func (f fib) broadcast(id state.LinkID, address netip.Addr) bool {
	return f.state[id.Namespace].Links[id.Name].Up && slices.ContainsFunc(f.addresses(id.Name), func(p netip.Prefix) bool {
		return p.Bits() < 31 && p.Contains(address) && !p.Contains(address.Next())
	})
}
