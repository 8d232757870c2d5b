// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// skipStatistics keeps counters, most of a link's message, out of it.
const skipStatistics = 1 << 3 // RTEXT_FILTER_SKIP_STATS

// Attributes of linux/if_link.h that x/sys/unix does not name.
const (
	inetConf     = 1 // IFLA_INET_CONF
	inet6Conf    = 2 // IFLA_INET6_CONF
	inet6AddrGen = 8 // IFLA_INET6_ADDR_GEN_MODE
	vethInfoPeer = 1 // VETH_INFO_PEER
)

// places4 and places6 say where a link's settings are in IFLA_INET_CONF (IPV4_DEVCONF_* of
// linux/ip.h, which starts at 1) and IFLA_INET6_CONF (DEVCONF_* of linux/ipv6.h).
var (
	places4 = []place{
		{state.IPv4Forwarding, 0}, {state.ProxyARP, 2}, {state.AcceptRedirects, 3}, {state.SendRedirects, 5}, {state.RPFilter, 7},
		{state.AcceptSourceRoute, 8}, {state.LogMartians, 10}, {state.ARPAnnounce, 17}, {state.ARPIgnore, 18},
	}
	places6 = []place{
		{state.IPv6Forwarding, 0}, {state.HopLimit, 1}, {state.AcceptRA, 3}, {state.AcceptRedirects6, 4}, {state.DisableIPv6, 26},
	}
)

// place is an index in an array of settings.
type place struct {
	setting state.Setting
	index   int
}

// rawLink is a link as a namespace's kernel describes it.
type rawLink struct {
	index   int
	name    string
	kind    string
	mac     state.MAC
	mtu     int
	group   uint32
	master  int
	up      bool
	carrier bool
	// operState is what the kernel's link watch has made of the rest (RFC 2863).
	operState uint8
	loopback  bool
	// peerIndex is a veth's other end, and what an interface for a VLAN is on.
	peerIndex int
	// peerNamespace is this namespace's nsid of the one the peer is in; rtnl.NoNSID when
	// the peer is in this one too.
	peerNamespace int32
	// settings of a family that the link lacks are absent.
	settings state.LinkSettings
	alias    string
	// alternativeNames are as good as name for whoever asks the kernel for a link, or wants to name one so.
	alternativeNames []string
	// qdisc is the kind of the root queueing discipline.
	qdisc string
	// bridge and vlan are what the link does by its kind.
	bridge state.Bridge
	vlan   uint16
	// follows: another bridge is the root of the bridge's spanning tree.
	follows bool
	// serviceTag: the interface is for a tag of another protocol than IEEE 802.1Q's, as providers
	// put it around a customer's.
	serviceTag bool
	// slaveKind is the kind of the master that the link has something by.
	slaveKind string
	// portState is a bridge's port's (BR_STATE_*).
	portState uint8
	// designated is what a bridge's port holds of its segment.
	designated state.DesignatedPort
	// overrides are what no lab asks for. xdp says that a program sees packets before the kernel does.
	overrides []override
	xdp       bool
	// unselective: it is a tunnel for whatever no other tunnel of its kind is for. saysImmutable: the kernel tells
	// whether links can leave their namespace.
	unselective, immutable, saysImmutable bool
}

// links lists a namespace's links.
func (c *conn) links() ([]rawLink, error) {
	var links []rawLink
	err := c.Get(unix.RTM_GETLINK, unix.NLM_F_DUMP, func(msg []byte) error {
		link, err := parseLink(msg)
		links = append(links, link)
		return err
	}, nl.NewIfInfomsg(unix.AF_UNSPEC), rtnl.Uint32Attribute(unix.IFLA_EXT_MASK, skipStatistics))
	return links, err
}

// link reads one link.
func (c *conn) link(index int) (rawLink, error) {
	header := nl.NewIfInfomsg(unix.AF_UNSPEC)
	header.Index = int32(index)
	var link rawLink
	err := c.Get(unix.RTM_GETLINK, 0, func(msg []byte) (err error) {
		link, err = parseLink(msg)
		return err
	}, header, rtnl.Uint32Attribute(unix.IFLA_EXT_MASK, skipStatistics))
	return link, err
}

func parseLink(msg []byte) (rawLink, error) {
	if len(msg) < unix.SizeofIfInfomsg {
		return rawLink{}, errors.New("truncated link message")
	}
	header := nl.DeserializeIfInfomsg(msg)
	link := rawLink{
		index:         int(header.Index),
		up:            header.Flags&unix.IFF_UP != 0,
		carrier:       header.Flags&unix.IFF_LOWER_UP != 0,
		loopback:      header.Flags&unix.IFF_LOOPBACK != 0,
		peerNamespace: rtnl.NoNSID,
	}
	if !link.loopback {
		link.noticeBits(flagBits, header.Flags)
	}
	err := rtnl.Attributes(msg[unix.SizeofIfInfomsg:], link.set)
	return link, err
}

func (l *rawLink) set(kind uint16, value []byte) error {
	switch kind {
	case unix.IFLA_IFNAME:
		l.name = rtnl.Text(value)
	case unix.IFLA_ADDRESS:
		copy(l.mac[:], value)
	case unix.IFLA_MTU:
		l.mtu = int(rtnl.Uint32(value))
	case unix.IFLA_GROUP:
		l.group = rtnl.Uint32(value)
	case unix.IFLA_MASTER:
		l.master = int(rtnl.Uint32(value))
	case unix.IFLA_IFALIAS:
		l.alias = rtnl.Text(value)
	case unix.IFLA_PROP_LIST:
		return rtnl.Attributes(value, l.setProperty)
	case unix.IFLA_LINK:
		l.peerIndex = int(rtnl.Uint32(value))
	case unix.IFLA_OPERSTATE:
		if len(value) > 0 {
			l.operState = value[0]
		}
	case unix.IFLA_QDISC:
		l.qdisc = rtnl.Text(value)
	case unix.IFLA_LINK_NETNSID:
		l.peerNamespace = int32(rtnl.Uint32(value))
	case unix.IFLA_LINKINFO:
		return rtnl.Attributes(value, l.setInfo)
	case unix.IFLA_AF_SPEC:
		return rtnl.Attributes(value, l.setFamily)
	case unix.IFLA_XDP:
		return rtnl.Attributes(value, l.setXDP)
	case netnsImmutable:
		l.saysImmutable, l.immutable = true, len(value) > 0 && value[0] != 0
	}
	l.noticeLink(kind, value)
	return nil
}

func (l *rawLink) setProperty(kind uint16, value []byte) error {
	if kind == unix.IFLA_ALT_IFNAME {
		l.alternativeNames = append(l.alternativeNames, rtnl.Text(value))
	}
	return nil
}

// setXDP takes any way in which a program can be attached (XDP_ATTACHED_*).
func (l *rawLink) setXDP(kind uint16, value []byte) error {
	l.xdp = l.xdp || kind == unix.IFLA_XDP_ATTACHED && len(value) > 0 && value[0] != 0
	return nil
}

// setInfo relies on the kernel's order: a link's kind comes before what belongs to it.
func (l *rawLink) setInfo(kind uint16, value []byte) (err error) {
	switch {
	case kind == unix.IFLA_INFO_KIND:
		l.kind = rtnl.Text(value)
	case kind == unix.IFLA_INFO_DATA && l.kind == "bridge":
		l.bridge, err = parseBridge(value)
		return errors.Join(err, l.noticeBridge(value))
	case kind == unix.IFLA_INFO_DATA && l.kind == "vlan":
		return l.setVLAN(value)
	case kind == unix.IFLA_INFO_DATA:
		return l.noticeSelectors(value)
	case kind == unix.IFLA_INFO_SLAVE_KIND:
		l.slaveKind = rtnl.Text(value)
	case kind == unix.IFLA_INFO_SLAVE_DATA && l.slaveKind == "bridge":
		return rtnl.Attributes(value, l.noticePort)
	}
	return err
}

// kinds are the kinds of link that a lab can hold, by their names; lo has none.
var kinds = map[string]state.LinkKind{
	"": state.VethLink, "veth": state.VethLink, "bridge": state.BridgeLink, "vlan": state.VLANLink,
}

func (l rawLink) linkKind() state.LinkKind {
	if kind, ok := kinds[l.kind]; ok && !l.serviceTag {
		return kind
	}
	return state.OtherLink
}

func (l *rawLink) setFamily(family uint16, value []byte) error {
	return rtnl.Attributes(value, func(kind uint16, value []byte) error {
		switch {
		case family == unix.AF_INET && kind == inetConf:
			l.setSettings(value, places4)
		case family == unix.AF_INET6 && kind == inet6Conf:
			l.setSettings(value, places6)
		case family == unix.AF_INET6 && kind == inet6AddrGen && len(value) > 0 && l.hasIPv6():
			l.settings[state.AddrGenMode] = state.ValueOf(int(value[0]))
		}
		return nil
	})
}

// setSettings takes from the kernel's array of settings those that a State has.
func (l *rawLink) setSettings(array []byte, places []place) {
	for _, p := range places {
		if at := p.index * 4; at+4 <= len(array) {
			l.settings[p.setting] = state.ValueOf(int(int32(binary.NativeEndian.Uint32(array[at:]))))
		}
	}
}

func (l *rawLink) hasIPv6() bool { return l.settings[state.IPv6Forwarding] != state.Absent }

// addLink creates a pair in one message, with both ends in their namespaces and marked by
// their group from the start: nothing ever appears elsewhere, and nothing is ever unmarked.
// They stay down, because a veth cannot be set up before it has its peer.
func (s *session) addLink(op state.AddLink) error {
	here, err := s.handle(op.Ends[0].Namespace)
	if err != nil {
		return err
	}
	there, err := s.handle(op.Ends[1].Namespace)
	if err != nil {
		return err
	}
	peer := nl.NewRtAttr(vethInfoPeer, nl.NewIfInfomsg(unix.AF_UNSPEC).Serialize())
	for _, a := range append(vethAttributes(op.Ends[1]), rtnl.Uint32Attribute(unix.IFLA_NET_NS_FD, uint32(there.ns))) {
		peer.AddChild(a)
	}
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(unix.IFLA_INFO_KIND, []byte("veth"))
	info.AddRtAttr(unix.IFLA_INFO_DATA, nil).AddChild(peer)
	request := []nl.NetlinkRequestData{nl.NewIfInfomsg(unix.AF_UNSPEC), info}
	for _, a := range vethAttributes(op.Ends[0]) {
		request = append(request, a)
	}
	err = here.conn.Send(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, request...)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return featureMissing("veth", err)
	case errors.Is(err, unix.EEXIST):
		return s.mustBePair(op, err)
	}
	return err
}

// mustBePair returns exists unless the existing links are the pair that was to be added.
func (s *session) mustBePair(op state.AddLink, exists error) error {
	here, err := s.linkByName(op.Ends[0].LinkID)
	if err != nil {
		return errors.Join(exists, ignoreGone(err))
	}
	there, err := s.linkByName(op.Ends[1].LinkID)
	if err != nil {
		return errors.Join(exists, ignoreGone(err))
	}
	if here.index != there.peerIndex || there.index != here.peerIndex {
		return exists
	}
	same, err := nsids{}.is(s.handles[op.Ends[0].Namespace], here.peerNamespace, s.handles[op.Ends[1].Namespace])
	if err != nil || !same {
		return errors.Join(exists, err)
	}
	return nil
}

// linkByName reads a link.
func (s *session) linkByName(id state.LinkID) (rawLink, error) {
	h, index, err := s.find(id)
	if err != nil {
		return rawLink{}, err
	}
	return h.conn.link(index)
}

func endAttributes(end state.LinkEnd) []*nl.RtAttr {
	return []*nl.RtAttr{
		nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(end.Name)),
		nl.NewRtAttr(unix.IFLA_ADDRESS, end.MAC[:]),
		rtnl.Uint32Attribute(unix.IFLA_MTU, uint32(end.MTU)),
		rtnl.Uint32Attribute(unix.IFLA_GROUP, state.LinkGroup),
	}
}

// vethAttributes ask for one queue in each direction. That is what a veth uses in any case; one that is not
// asked for has a queue for every CPU, and to turn all but the first off the kernel waits for every
// CPU, at each end, while nobody on the machine can change a link.
func vethAttributes(end state.LinkEnd) []*nl.RtAttr {
	return append(endAttributes(end), rtnl.Uint32Attribute(unix.IFLA_NUM_TX_QUEUES, 1), rtnl.Uint32Attribute(unix.IFLA_NUM_RX_QUEUES, 1))
}

// deleteLink deletes an interface, and with it its peer. Already gone is as good.
func (s *session) deleteLink(op state.DeleteLink) error {
	defer s.forgetIndexes()
	return ignoreGone(s.changeLink(op.LinkID, unix.RTM_DELLINK, nl.NewIfInfomsg(unix.AF_UNSPEC)))
}

// prepareDeletion does what needs the namespace; what it returns can run anywhere.
func (s *session) prepareDeletion(op state.DeleteLink) (deletion func() error, err error) {
	h, err := s.enter(op.Namespace)
	if err != nil {
		return nil, err
	}
	index, err := h.index(op.Name)
	if err != nil {
		return nil, err
	}
	c, err := dial()
	if err != nil {
		return nil, err
	}
	return func() error {
		defer c.Close()
		header := nl.NewIfInfomsg(unix.AF_UNSPEC)
		header.Index = int32(index)
		return c.Send(unix.RTM_DELLINK, 0, header)
	}, nil
}

func (s *session) setAdmin(op state.SetAdmin) error {
	header := nl.NewIfInfomsg(unix.AF_UNSPEC)
	header.Change = unix.IFF_UP
	if op.Up {
		header.Flags = unix.IFF_UP
	}
	return s.changeLink(op.LinkID, unix.RTM_NEWLINK, header)
}

// setLink changes one attribute of a link.
func (s *session) setLink(id state.LinkID, attribute *nl.RtAttr) error {
	return s.changeLink(id, unix.RTM_NEWLINK, nl.NewIfInfomsg(unix.AF_UNSPEC), attribute)
}

func (s *session) changeLink(id state.LinkID, kind int, header *nl.IfInfomsg, attributes ...nl.NetlinkRequestData) error {
	h, index, err := s.find(id)
	if err != nil {
		return err
	}
	header.Index = int32(index)
	return h.conn.Send(kind, 0, append([]nl.NetlinkRequestData{header}, attributes...)...)
}

// find returns a link's namespace and index.
func (s *session) find(id state.LinkID) (*handle, int, error) {
	h, err := s.handle(id.Namespace)
	if err != nil {
		return nil, 0, err
	}
	index, err := h.index(id.Name)
	return h, index, err
}

// forgetIndexes must follow a deletion: links go along with others, in other namespaces too.
func (s *session) forgetIndexes() {
	for _, h := range s.handles {
		clear(h.indexes)
	}
}

// index finds a link by its name. As long as there is the link it keeps its index.
func (h *handle) index(name string) (int, error) {
	if index, ok := h.indexes[name]; ok {
		return index, nil
	}
	index, err := h.conn.LinkIndex(name)
	if err == nil {
		h.indexes[name] = index
	}
	return index, err
}
