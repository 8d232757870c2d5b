// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// packetFilters finds tables of nftables, and of the older iptables. A kernel can be without either.
func (in *interferer) packetFilters() error {
	if err := in.nftables(); err != nil {
		return fmt.Errorf("list packet filters: %w", err)
	}
	for _, program := range []string{"iptables", "ip6tables"} {
		names, err := os.ReadFile("/proc/thread-self/net/" + strings.TrimSuffix(program, "tables") + "_tables_names")
		if err != nil {
			continue
		}
		for name := range strings.FieldsSeq(string(names)) {
			if nat, ok := legacyNAT(program, name); ok {
				in.found = append(in.found, state.Unmanaged{
					What: "NAT, table nat of " + program,
					Look: fmt.Sprintf("ip netns exec %s %s-legacy -t nat -S", in.handle.name, program),
					Undo: fmt.Sprintf("ip netns exec %s %s-legacy -t nat -F", in.handle.name, program),
					NAT:  nat,
				})
			} else if name != "nat" { // without rules it does nothing
				in.add(fmt.Sprintf("a packet filter, %s table %s", program, name), "ip netns exec %s %s-legacy -t %s -S", in.handle.name, program, name)
				in.found[len(in.found)-1].OnlyFor = map[string]int{"iptables": 4, "ip6tables": 6}[program]
			}
		}
	}
	return nil
}

// nfFamilies are the families of tables as nft writes them.
var nfFamilies = map[uint8]string{
	unix.NFPROTO_INET: "inet", unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6", unix.NFPROTO_ARP: "arp",
	unix.NFPROTO_BRIDGE: "bridge", unix.NFPROTO_NETDEV: "netdev",
}

// nftables finds the tables of the thread's namespace. A chain of type nat that has rules is NAT. A table without rules
// lets everything pass unless a chain's policy says otherwise.
func (in *interferer) nftables() error {
	c, err := rtnl.DialProtocol(unix.NETLINK_NETFILTER)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer c.Close()
	translating, filtering := map[string]bool{}, map[string]bool{}
	err = listNetfilter(c, unix.NFT_MSG_GETCHAIN, func(family uint8, attributes []byte) error {
		var chain nfChain
		err := rtnl.Attributes(attributes, chain.set)
		if err == nil && chain.kind == "nat" && chain.rules > 0 {
			translating[nfFamilies[family]+" "+chain.table] = true
			in.found = append(in.found, chain.unmanaged(in.handle.name, family))
		}
		if chain.rules > 0 || chain.drops {
			filtering[nfFamilies[family]+" "+chain.table] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	return listNetfilter(c, unix.NFT_MSG_GETTABLE, func(family uint8, attributes []byte) error {
		return rtnl.Attributes(attributes, func(kind uint16, value []byte) error {
			if name := nfFamilies[family] + " " + rtnl.Text(value); kind == unix.NFTA_TABLE_NAME && !translating[name] && filtering[name] {
				in.add("a packet filter, nftables table "+name, "ip netns exec %s nft list ruleset", in.handle.name)
				in.found[len(in.found)-1].Frames = family == unix.NFPROTO_NETDEV
				in.found[len(in.found)-1].OnlyFor = map[uint8]int{unix.NFPROTO_IPV4: 4, unix.NFPROTO_ARP: 4, unix.NFPROTO_IPV6: 6}[family]
			}
			return nil
		})
	})
}

// listNetfilter lists objects of nftables with their families; none where nf_tables is not there.
func listNetfilter(c *rtnl.Conn, message int, each func(family uint8, attributes []byte) error) error {
	err := c.Get(unix.NFNL_SUBSYS_NFTABLES<<8|message, unix.NLM_F_DUMP, func(msg []byte) error {
		if len(msg) < nl.SizeofNfgenmsg {
			return errors.New("truncated netfilter message")
		}
		return each(nl.DeserializeNfgenmsg(msg).NfgenFamily, msg[nl.SizeofNfgenmsg:])
	}, &nl.Nfgenmsg{NfgenFamily: unix.NFPROTO_UNSPEC})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return err
}

// nfDrop is NF_DROP of linux/netfilter.h.
const nfDrop = 0

// nfChain is a chain of nftables.
type nfChain struct {
	table, name, kind string
	// hook is where it is called, rules how many it has.
	hook, rules uint32
	// drops is its policy.
	drops bool
}

func (c *nfChain) set(kind uint16, value []byte) error {
	switch kind {
	case unix.NFTA_CHAIN_TABLE:
		c.table = rtnl.Text(value)
	case unix.NFTA_CHAIN_NAME:
		c.name = rtnl.Text(value)
	case unix.NFTA_CHAIN_TYPE:
		c.kind = rtnl.Text(value)
	case unix.NFTA_CHAIN_USE: // jumps to it count, too; a base chain has none
		c.rules = binary.BigEndian.Uint32(value)
	case unix.NFTA_CHAIN_POLICY:
		c.drops = binary.BigEndian.Uint32(value) == nfDrop
	case unix.NFTA_CHAIN_HOOK:
		return rtnl.Attributes(value, func(kind uint16, value []byte) error {
			if kind == unix.NFTA_HOOK_HOOKNUM {
				c.hook = binary.BigEndian.Uint32(value)
			}
			return nil
		})
	}
	return nil
}

func (c *nfChain) unmanaged(namespace string, family uint8) state.Unmanaged {
	chain := nfFamilies[family] + " " + c.table + " " + c.name
	return state.Unmanaged{
		What: "NAT, nftables chain " + chain,
		Look: fmt.Sprintf("ip netns exec %s nft list chain %s", namespace, chain),
		Undo: fmt.Sprintf("ip netns exec %s nft flush chain %s", namespace, chain),
		NAT:  natAt(family, 1<<c.hook),
	}
}

// natAt is NAT in some hooks of a family.
func natAt(family uint8, hooks uint32) state.NAT {
	is := func(hook uint32) bool { return hooks&(1<<hook) != 0 }
	return state.NAT{
		IPv4: family != unix.NFPROTO_IPV6, IPv6: family != unix.NFPROTO_IPV4,
		Before: is(unix.NF_INET_PRE_ROUTING), Sent: is(unix.NF_INET_LOCAL_OUT),
		Delivered: is(unix.NF_INET_LOCAL_IN), After: is(unix.NF_INET_POST_ROUTING),
	}
}

// ipTablesInfo is IPT_SO_GET_INFO, and IP6T_SO_GET_INFO, of linux/netfilter_ipv4/ip_tables.h.
const ipTablesInfo = 64

// ipTableInfo is struct ipt_getinfo.
type ipTableInfo struct {
	name                 [32]byte
	validHooks           uint32
	hookEntry, underflow [unix.NF_INET_NUMHOOKS]uint32
	entries, size        uint32
}

// legacyNAT reports in which of its chains a table nat of iptables has rules: a chain's policy is its last
// entry, so that a chain without rules starts with it. Only a table that is there is asked for, since asking makes it.
func legacyNAT(program, table string) (nat state.NAT, ok bool) {
	if table != "nat" {
		return nat, false
	}
	domain, level, family := unix.AF_INET, unix.SOL_IP, uint8(unix.NFPROTO_IPV4)
	if program == "ip6tables" {
		domain, level, family = unix.AF_INET6, unix.SOL_IPV6, unix.NFPROTO_IPV6
	}
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return nat, false
	}
	defer unix.Close(fd)
	info := ipTableInfo{}
	copy(info.name[:], table)
	length := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), ipTablesInfo, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&length)), 0)
	hooks := uint32(0)
	for hook := range info.hookEntry {
		if info.validHooks&(1<<hook) != 0 && info.hookEntry[hook] != info.underflow[hook] {
			hooks |= 1 << hook
		}
	}
	return natAt(family, hooks), errno == 0 && hooks != 0
}
