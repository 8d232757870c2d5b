// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
)

// policyDirections are those of linux/xfrm.h. Policies of sockets have higher numbers.
var policyDirections = []string{"in", "out", "fwd"}

// ipsec finds IPsec policies: they drop packets, or send them into a tunnel, after the route lookup.
func (in *interferer) ipsec() error {
	c, err := rtnl.DialProtocol(unix.NETLINK_XFRM)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list IPsec policies: %w", err)
	}
	defer c.Close()
	err = c.Get(nl.XFRM_MSG_GETPOLICY, unix.NLM_F_DUMP, func(msg []byte) error {
		if len(msg) < nl.SizeofXfrmUserpolicyInfo {
			return errors.New("truncated IPsec policy")
		}
		p := nl.DeserializeXfrmUserpolicyInfo(msg)
		if int(p.Dir) < len(policyDirections) {
			selector := policySelector(p)
			in.add("an IPsec policy, "+selector, "ip -n %s xfrm policy", in.handle.name)
			last := &in.found[len(in.found)-1]
			last.OnlyFor = map[uint16]int{unix.AF_INET: 4, unix.AF_INET6: 6}[p.Sel.Family]
			also, err := policyMarks(msg[nl.SizeofXfrmUserpolicyInfo:])
			last.Undo = fmt.Sprintf("ip -n %s xfrm policy delete %s%s", in.handle.name, policyName(p, selector), also)
			return err
		}
		return nil
	}, &nl.XfrmUserpolicyId{})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil // no policies in this kernel
	}
	return err
}

// policyName is what ip xfrm policy delete takes: the index where a selector has more than addresses.
func policyName(p *nl.XfrmUserpolicyInfo, selector string) string {
	if s := p.Sel; s.Proto == 0 && s.SportMask == 0 && s.DportMask == 0 && s.Ifindex == 0 {
		return selector
	}
	return fmt.Sprintf("index %d dir %s", p.Index, policyDirections[p.Dir])
}

// policyMarks are the attributes without which the kernel does not find a policy, as ip takes them.
func policyMarks(attributes []byte) (words string, err error) {
	err = rtnl.Attributes(attributes, func(kind uint16, value []byte) error {
		switch {
		case kind == nl.XFRMA_MARK && len(value) >= 8:
			words += fmt.Sprintf(" mark %d mask %d", rtnl.Uint32(value), rtnl.Uint32(value[4:]))
		case kind == nl.XFRMA_IF_ID && len(value) >= 4:
			words += fmt.Sprintf(" if_id %d", rtnl.Uint32(value))
		}
		return nil
	})
	return words, err
}

// policySelector are the addresses of a policy.
func policySelector(p *nl.XfrmUserpolicyInfo) string {
	from, to := policyPrefix(p.Sel.Saddr[:], p.Sel.PrefixlenS, p.Sel.Family), policyPrefix(p.Sel.Daddr[:], p.Sel.PrefixlenD, p.Sel.Family)
	return fmt.Sprintf("src %s dst %s dir %s", from, to, policyDirections[p.Dir])
}

func policyPrefix(address []byte, bits uint8, family uint16) netip.Prefix {
	if family == unix.AF_INET {
		address = address[:4]
	}
	return netip.PrefixFrom(rtnl.Addr(address), int(bits))
}
