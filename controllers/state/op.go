// SPDX-License-Identifier: Apache-2.0

package state

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Directories that operations write to; the shell form of a plan names them.
const (
	// NamespaceDir holds a bind-mounted file per network namespace of a lab.
	NamespaceDir = "/run/netlab/netns"
	// SymlinkDir is where ip netns looks names up.
	SymlinkDir = "/run/netns"
)

// Op changes one thing in the kernel. Its text is the ip command that would do the same.
// Operations that add have replace semantics; those that delete succeed when there is
// nothing left to delete. The set of operations is closed: see the types of this file.
type Op interface {
	fmt.Stringer
	// Namespaces are the network namespaces the operation writes to.
	Namespaces() []string
	// apply makes of m what the kernel holds after the operation.
	apply(m machine)
}

// CreateNamespace makes a network namespace with its mark and the settings every one is
// born with, and mounts it under its name. A file left by an earlier mount is used again.
type CreateNamespace struct {
	Name string
	Mark string
}

// DeleteNamespace unmounts a network namespace and removes its file.
type DeleteNamespace struct{ Name string }

// AddSymlink lets ip netns find a namespace by its name.
type AddSymlink struct{ Name string }

// DeleteSymlink undoes AddSymlink.
type DeleteSymlink struct{ Name string }

// LinkEnd is what one end of a new link is given.
type LinkEnd struct {
	LinkID
	MAC MAC
	MTU int
}

// AddLink makes a veth pair with both ends in their namespaces from the start, set down.
type AddLink struct{ Ends [2]LinkEnd }

// DeleteLink deletes an interface, and with it the other end of its pair.
type DeleteLink struct{ LinkID }

// SetAdmin sets an interface up or down.
type SetAdmin struct {
	LinkID
	Up bool
}

// SetMTU changes an interface's MTU.
type SetMTU struct {
	LinkID
	MTU int
}

// SetMAC changes an interface's Ethernet address.
type SetMAC struct {
	LinkID
	MAC MAC
}

// SetGroup gives an interface its group.
type SetGroup struct {
	LinkID
	Group uint32
}

// ReleaseLink frees an interface from its master.
type ReleaseLink struct{ LinkID }

// AddAddress puts an address on an interface, behind those it has, without duplicate
// address detection (9 ms until usable instead of 1.3 s).
type AddAddress struct{ AddressID }

// DeleteAddress takes an address off an interface.
type DeleteAddress struct{ AddressID }

// AddPrefixRoute gives back the route that the kernel made with an address, to the network the address
// is in. It goes in front of whatever somebody put there instead.
type AddPrefixRoute struct{ AddressID }

// ReplaceRoute installs a route whether or not there is one for its destination and metric.
type ReplaceRoute struct {
	RouteID
	Route
}

// DeleteRoute removes a route.
type DeleteRoute struct {
	RouteID
	// Protocol is the observed one, so that no other route can be meant.
	Protocol uint8
}

// Namespaces implements Op.
func (o CreateNamespace) Namespaces() []string { return []string{o.Name} }

// Namespaces implements Op.
func (o DeleteNamespace) Namespaces() []string { return []string{o.Name} }

// Namespaces implements Op.
func (o AddSymlink) Namespaces() []string { return []string{o.Name} }

// Namespaces implements Op.
func (o DeleteSymlink) Namespaces() []string { return []string{o.Name} }

// Namespaces implements Op.
func (o AddLink) Namespaces() []string { return []string{o.Ends[0].Namespace, o.Ends[1].Namespace} }

// Namespaces implements Op; every operation on one interface shares it.
func (id LinkID) Namespaces() []string { return []string{id.Namespace} }

// Namespaces implements Op.
func (id AddressID) Namespaces() []string { return []string{id.Namespace} }

// Namespaces implements Op.
func (id RouteID) Namespaces() []string { return []string{id.Namespace} }

func (o CreateNamespace) String() string { return "ip netns add " + o.Name }
func (o DeleteNamespace) String() string { return "ip netns delete " + o.Name }

func (o AddSymlink) String() string {
	return fmt.Sprintf("ln -s %s/%s %s/%s", NamespaceDir, o.Name, SymlinkDir, o.Name)
}

func (o DeleteSymlink) String() string { return fmt.Sprintf("rm %s/%s", SymlinkDir, o.Name) }

func (o AddLink) String() string {
	a, b := o.Ends[0], o.Ends[1]
	return fmt.Sprintf("ip -n %s link add name %s type veth peer name %s netns %s", a.Namespace, a.attributes(), b.attributes(), b.Namespace)
}

func (e LinkEnd) attributes() string {
	return fmt.Sprintf("%s address %s mtu %d group %d", e.Name, e.MAC, e.MTU, LinkGroup)
}

func (o DeleteLink) String() string {
	return fmt.Sprintf("ip -n %s link delete %s", o.Namespace, o.Device())
}

func (o SetAdmin) String() string {
	state := "down"
	if o.Up {
		state = "up"
	}
	return fmt.Sprintf("ip -n %s link set %s %s", o.Namespace, o.Device(), state)
}

func (o SetMTU) String() string {
	return fmt.Sprintf("ip -n %s link set %s mtu %d", o.Namespace, o.Device(), o.MTU)
}

func (o SetMAC) String() string {
	return fmt.Sprintf("ip -n %s link set %s address %s", o.Namespace, o.Device(), o.MAC)
}

func (o SetGroup) String() string {
	return fmt.Sprintf("ip -n %s link set %s group %d", o.Namespace, o.Device(), o.Group)
}

func (o ReleaseLink) String() string {
	return fmt.Sprintf("ip -n %s link set %s nomaster", o.Namespace, o.Device())
}

func (o AddAddress) String() string {
	text := fmt.Sprintf("ip -n %s address replace %s dev %s", o.Namespace, o.Prefix, o.Link)
	if o.Prefix.Addr().Is6() {
		text += " nodad"
	}
	return text
}

func (o DeleteAddress) String() string {
	return fmt.Sprintf("ip -n %s address delete %s dev %s", o.Namespace, o.Prefix, o.Link)
}

// String has what the kernel itself gives the route: protocol, scope, source, metric.
func (o AddPrefixRoute) String() string {
	text := fmt.Sprintf("ip -n %s route prepend %s dev %s proto kernel ", o.Namespace, o.Prefix.Masked(), o.Link)
	if o.Prefix.Addr().Is4() {
		return text + fmt.Sprintf("scope link src %s", o.Prefix.Addr())
	}
	return text + fmt.Sprintf("metric %d", PrefixMetric6)
}

// String has ip route show's own order: attributes of the whole route come before its
// legs when there are several, because ip route reads everything behind the first nexthop as legs.
func (o ReplaceRoute) String() string {
	return fmt.Sprintf("ip -n %s route replace %s", o.Namespace, routeText(o.RouteKey, o.Route))
}

// String names IPv6's metric whatever it is: without one, any route to the destination fits.
func (o DeleteRoute) String() string {
	text := fmt.Sprintf("ip -n %s route delete %s proto %d", o.Namespace, Destination(o.Prefix), o.Protocol)
	if o.Metric != 0 {
		text += fmt.Sprintf(" metric %d", o.Metric)
	}
	return text
}

func routeText(id RouteKey, r Route) string {
	hops := r.NextHops()
	words := []string{Destination(id.Prefix)}
	switch {
	case r.Type != Unicast:
		words = []string{r.Type.String(), Destination(id.Prefix)}
	case slices.ContainsFunc(hops, func(h NextHop) bool { return h.Via.Is6() }):
		// "default" through an IPv6 gateway is IPv6's, whatever else the line says.
		words = []string{id.Prefix.String()}
	}
	one := len(hops) == 1 && hops[0].Weight == 1
	if one {
		words = append(words, hops[0].text(id.Prefix))
	}
	words = append(words, fmt.Sprintf("proto %d", r.Protocol))
	if r.Source.IsValid() {
		words = append(words, "src "+r.Source.String())
	}
	if id.Metric != 0 && (id.Prefix.Addr().Is4() || id.Metric != DefaultIPv6Metric) {
		words = append(words, fmt.Sprintf("metric %d", id.Metric))
	}
	for _, h := range hops {
		if !one {
			words = append(words, fmt.Sprintf("nexthop %s weight %d", h.text(id.Prefix), h.Weight))
		}
	}
	return strings.Join(words, " ")
}

// Destination is a prefix as ip route writes it. The family of "default" is not in its
// name, so IPv6's is written out.
func Destination(p netip.Prefix) string {
	if p == netip.PrefixFrom(netip.IPv4Unspecified(), 0) {
		return "default"
	}
	return p.String()
}

// text is the leg as ip route writes it; only a gateway of another family than the
// destination's says which it is.
func (h NextHop) text(destination netip.Prefix) string {
	onLink := ""
	if h.OnLink {
		onLink = " onlink"
	}
	switch {
	case !h.Via.IsValid():
		return "dev " + h.Link
	case h.Via.Is6() && destination.Addr().Is4():
		return fmt.Sprintf("via inet6 %s dev %s%s", h.Via, h.Link, onLink)
	}
	return fmt.Sprintf("via %s dev %s%s", h.Via, h.Link, onLink)
}
