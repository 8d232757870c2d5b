// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// This machine may lack the modules, so these are the messages of one that has them: make test-vm has one.
func TestFallbackTunnelsAreTheKernelsOwn(t *testing.T) {
	none, address := make([]byte, 4), []byte{192, 0, 2, 1}
	const unsaid = 2
	for _, c := range []struct {
		name, kind string
		immutable  byte
		attribute  int
		value      []byte
		up         bool
		want       bool
	}{
		{"an IPv4 tunnel", "ipip", 1, nl.IFLA_IPTUN_REMOTE, none, false, true},
		{"in an older kernel", "ipip", unsaid, nl.IFLA_IPTUN_REMOTE, none, false, true},
		{"that somebody made", "ipip", 0, nl.IFLA_IPTUN_REMOTE, none, false, false},
		{"in use", "ipip", 1, nl.IFLA_IPTUN_REMOTE, none, true, false},
		{"with an endpoint", "ipip", unsaid, nl.IFLA_IPTUN_REMOTE, address, false, false},
		{"with external control", "ipip", unsaid, nl.IFLA_IPTUN_COLLECT_METADATA, nil, false, false},
		{"6in4", "sit", unsaid, nl.IFLA_IPTUN_6RD_PREFIXLEN, []byte{16, 0}, false, true},
		{"GRE", "gre", unsaid, nl.IFLA_GRE_OKEY, none, false, true},
		{"GRE with a key", "gre", unsaid, nl.IFLA_GRE_OKEY, address, false, false},
		{"VTI", "vti6", unsaid, nl.IFLA_VTI_REMOTE, make([]byte, 16), false, true},
		{"VTI with a link", "vti6", unsaid, nl.IFLA_VTI_LINK, []byte{2, 0, 0, 0}, false, false},
		{"a dummy", "dummy", 1, 1, none, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := nl.NewIfInfomsg(unix.AF_UNSPEC)
			if c.up {
				header.Flags = unix.IFF_UP
			}
			info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
			info.AddRtAttr(unix.IFLA_INFO_KIND, nl.ZeroTerminated(c.kind))
			info.AddRtAttr(unix.IFLA_INFO_DATA, nl.NewRtAttr(c.attribute, c.value).Serialize())
			msg := append(header.Serialize(), info.Serialize()...)
			if c.immutable != unsaid {
				msg = append(msg, nl.NewRtAttr(netnsImmutable, []byte{c.immutable}).Serialize()...)
			}
			l, err := parseLink(msg)
			if err != nil || l.isFallbackTunnel() != c.want {
				t.Errorf("%t, %v", l.isFallbackTunnel(), err)
			}
		})
	}
}
