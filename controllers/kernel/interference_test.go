// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// interferences are what others can put into a lab's namespace. It is neither drift nor touched.
var interferences = []struct{ name, do, what, look string }{
	{"a rule that rejects", `ip -n $a rule add prohibit from 192.0.2.0/24 pref 100`,
		"policy rule 100: from 192.0.2.0/24 prohibit", "ip -n default.routed-pair.ns1 rule"},
	{"a rule for another table", `ip -n $a rule add to 10.0.0.0/8 iif l1 fwmark 7 lookup 77 pref 101`,
		"policy rule 101: iif l1 fwmark 0x7 to 10.0.0.0/8 lookup 77", "ip -n default.routed-pair.ns1 rule"},
	{"a rule for everything", `ip -n $a rule add blackhole pref 102`,
		"policy rule 102: for all blackhole", "ip -n default.routed-pair.ns1 rule"},
	{"the rule for the main table gone", `ip -n $a rule delete pref 32766`,
		"no policy rule 32766 any more", "ip -n default.routed-pair.ns1 rule"},
	{"an IPv6 rule", `ip -6 -n $a rule add unreachable from fd00:1::/64 pref 103`,
		"policy rule 103: from fd00:1::/64 unreachable", "ip -6 -n default.routed-pair.ns1 rule"},
	{"a wrong neighbour", `ip -n $a neighbour add 192.0.2.254 lladdr 02:00:00:00:00:99 dev l1`,
		"a permanent neighbour entry, 192.0.2.254 is 02:00:00:00:00:99 on l1", "ip -n default.routed-pair.ns1 neighbour show dev l1 nud permanent"},
	{"a wrong IPv6 neighbour", `ip -n $a neighbour add fd00:1::fe lladdr 02:00:00:00:00:99 dev l1`,
		"a permanent neighbour entry, fd00:1::fe is 02:00:00:00:00:99 on l1", "ip -n default.routed-pair.ns1 neighbour show dev l1 nud permanent"},
	{"filters of what comes in", `tc -n $a qdisc add dev l1 clsact`,
		"room for traffic filters on l1", "tc -n default.routed-pair.ns1 filter show dev l1 ingress"},
}

func TestInterferencesAreFoundAndLeftAlone(t *testing.T) {
	want := everythingLab()
	for _, i := range interferences {
		t.Run(i.name, func(t *testing.T) {
			k := newKernel(t, Options{})
			converge(t, k, want)
			mustInterfere(t, k, ns1, nil)
			sh(t, shorthand+i.do)
			mustHold(t, k, want)
			isRule := strings.Contains(i.what, "policy rule")
			mustInterfere(t, k, ns1, []topology.Interference{{What: i.what, Look: i.look, Rule: isRule}})
			sh(t, i.look)
		})
	}
}

func mustInterfere(t *testing.T, k *Kernel, namespace string, want []topology.Interference) {
	t.Helper()
	if found, err := k.Interferences(t.Context(), namespace); err != nil || !slices.Equal(found, want) {
		t.Errorf("found %+v, %v, want %+v", found, err, want)
	}
}

func TestAStaticMACEntryInterferes(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, switchedLab())
	sh(t, "ip netns exec "+ns1+" ping -c1 -W5 192.0.2.2")
	mustInterfere(t, k, sw, nil)
	sh(t, "bridge -n "+sw+" fdb replace 02:00:00:00:00:03 dev p2 master static")
	mustInterfere(t, k, sw, []topology.Interference{{
		What: "a static MAC entry, 02:00:00:00:00:03 is at p2", Look: "bridge -n " + sw + " fdb show dev p2",
	}})
}

func TestAPacketFilterInterferes(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	if err := k.inside(router, addPacketFilter); err != nil {
		t.Fatal(err)
	}
	mustInterfere(t, k, router, []topology.Interference{{
		What: "a packet filter, nftables table inet theirs", Look: "ip netns exec default.routed-pair.router nft list ruleset",
	}})
	mustHold(t, k, tutorialLab())
}

// To load a program needs rights that a machine of its own does not have, so this is the message of one that has.
func TestAnXDPProgramIsSeen(t *testing.T) {
	for attached, want := range map[byte]bool{0: false, 2: true} {
		xdp := nl.NewRtAttr(unix.IFLA_XDP, nil)
		xdp.AddRtAttr(unix.IFLA_XDP_ATTACHED, []byte{attached})
		l, err := parseLink(append(nl.NewIfInfomsg(unix.AF_UNSPEC).Serialize(), xdp.Serialize()...))
		if err != nil || l.xdp != want {
			t.Errorf("attached %d: %t, %v", attached, l.xdp, err)
		}
	}
}

// addPacketFilter is nft add table inet theirs: nf_tables takes changes only in batches.
func addPacketFilter() error {
	c, err := dialProtocol(unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	defer c.close()
	message := func(kind, flags uint16, header nl.Nfgenmsg, data ...byte) []byte {
		body := append(header.Serialize(), data...)
		m := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
		m = binary.NativeEndian.AppendUint16(m, kind)
		m = binary.NativeEndian.AppendUint16(m, flags|unix.NLM_F_REQUEST)
		m = append(m, make([]byte, 8)...) // no sequence, from the kernel's own number
		return append(m, body...)
	}
	batch := nl.Nfgenmsg{ResId: nl.Swap16(unix.NFNL_SUBSYS_NFTABLES)}
	name := nl.NewRtAttr(unix.NFTA_TABLE_NAME, nl.ZeroTerminated("theirs")).Serialize()
	return unix.Sendto(c.fd(), slices.Concat(
		message(unix.NFNL_MSG_BATCH_BEGIN, 0, batch),
		message(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, nl.Nfgenmsg{NfgenFamily: unix.NFPROTO_INET}, name...),
		message(unix.NFNL_MSG_BATCH_END, 0, batch),
	), 0, theKernel)
}
