// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// rule is a policy rule as a namespace's kernel describes it: struct fib_rule_hdr has the layout of rtmsg.
type rule struct {
	header   *nl.RtMsg
	priority uint32
	table    uint32
	// selectors are what it is for, as ip rule writes them; from, to and incoming are among them.
	selectors []string
	from, to  netip.Prefix
	incoming  string
}

// defaultRules are the kernel's own, by priority. IPv6 has no default table.
var defaultRules = []struct{ priority, table uint32 }{{0, unix.RT_TABLE_LOCAL}, {32766, unix.RT_TABLE_MAIN}, {32767, unix.RT_TABLE_DEFAULT}}

// rules finds those that somebody added, and the kernel's own that somebody deleted.
func (in *interferer) rules() error {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		list, err := in.handle.conn.rules(family)
		if err != nil {
			return fmt.Errorf("list policy rules: %w", err)
		}
		option := map[uint8]string{unix.AF_INET: "", unix.AF_INET6: " -6"}[family]
		look := "ip" + option + " -n " + in.handle.name + " rule"
		missing := defaultRules[:2]
		for _, r := range list {
			if isDefault(r) {
				missing = without(missing, r.priority)
				continue
			}
			in.found = append(in.found, state.Unmanaged{
				What: r.String(), Look: look, Undo: fmt.Sprintf("%s delete pref %d", look, r.priority), Rule: r.policy(),
			})
		}
		for _, gone := range missing {
			if len(list) > 0 || family == unix.AF_INET { // a kernel without IPv6 has none of its rules
				in.found = append(in.found, state.Unmanaged{
					What: fmt.Sprintf("no policy rule %d", gone.priority), Look: look,
					Undo: fmt.Sprintf("%s add pref %d lookup %d", look, gone.priority, gone.table),
					Rule: state.PolicyRule{Priority: gone.priority, IPv6: family == unix.AF_INET6, Missing: true},
				})
			}
		}
	}
	return nil
}

func isDefault(r rule) bool {
	for _, b := range defaultRules {
		if r.priority == b.priority && r.table == b.table && len(r.selectors) == 0 && r.header.Type == unix.FR_ACT_TO_TBL {
			return true
		}
	}
	return false
}

func without(rules []struct{ priority, table uint32 }, priority uint32) (left []struct{ priority, table uint32 }) {
	for _, r := range rules {
		if r.priority != priority {
			left = append(left, r)
		}
	}
	return left
}

func (c *conn) rules(family uint8) ([]rule, error) {
	var list []rule
	err := c.Get(unix.RTM_GETRULE, unix.NLM_F_DUMP, func(msg []byte) error {
		r, err := parseRule(msg)
		list = append(list, r)
		return err
	}, &nl.RtMsg{RtMsg: unix.RtMsg{Family: family}})
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil
	}
	return list, err
}

func parseRule(msg []byte) (rule, error) {
	if len(msg) < unix.SizeofRtMsg {
		return rule{}, errors.New("truncated policy rule message")
	}
	r := rule{header: nl.DeserializeRtMsg(msg)}
	r.table = uint32(r.header.Table)
	if r.header.Tos != 0 {
		r.selectors = append(r.selectors, fmt.Sprintf("tos %#x", r.header.Tos))
	}
	err := rtnl.Attributes(msg[unix.SizeofRtMsg:], func(kind uint16, value []byte) error {
		r.set(kind, value)
		return nil
	})
	return r, err
}

func (r *rule) set(kind uint16, value []byte) {
	selects := func(format string, args ...any) { r.selectors = append(r.selectors, fmt.Sprintf(format, args...)) }
	switch kind {
	case unix.FRA_PRIORITY:
		r.priority = rtnl.Uint32(value)
	case unix.FRA_TABLE:
		r.table = rtnl.Uint32(value)
	case unix.FRA_SRC:
		r.from = netip.PrefixFrom(rtnl.Addr(value), int(r.header.Src_len))
		selects("from %s", r.from)
	case unix.FRA_DST:
		r.to = netip.PrefixFrom(rtnl.Addr(value), int(r.header.Dst_len))
		selects("to %s", r.to)
	case unix.FRA_IIFNAME:
		r.incoming = rtnl.Text(value)
		selects("iif %s", r.incoming)
	case unix.FRA_OIFNAME:
		selects("oif %s", rtnl.Text(value))
	case unix.FRA_FWMARK:
		if rtnl.Uint32(value) != 0 {
			selects("fwmark %#x", rtnl.Uint32(value))
		}
	case unix.FRA_IP_PROTO, unix.FRA_SPORT_RANGE, unix.FRA_DPORT_RANGE, unix.FRA_UID_RANGE:
		selects("for some packets")
	}
}

// policy is the rule for those who ask whether it is for a packet.
func (r rule) policy() state.PolicyRule {
	p := state.PolicyRule{Priority: r.priority, IPv6: r.header.Family == unix.AF_INET6, Action: r.action(), From: r.from, To: r.to, Incoming: r.incoming}
	known := 0
	for _, is := range []bool{r.from.IsValid(), r.to.IsValid(), r.incoming != ""} {
		if is {
			known++
		}
	}
	p.MoreSelectors = len(r.selectors) > known
	return p
}

func (r rule) action() string {
	switch r.header.Type {
	case unix.FR_ACT_GOTO:
		return "goto"
	case unix.FR_ACT_NOP:
		return "nop"
	case unix.FR_ACT_BLACKHOLE:
		return "blackhole"
	case unix.FR_ACT_UNREACHABLE:
		return "unreachable"
	case unix.FR_ACT_PROHIBIT:
		return "prohibit"
	}
	return fmt.Sprintf("lookup %d", r.table)
}

// String is the rule much as ip rule writes it.
func (r rule) String() string {
	selectors := "for all"
	if len(r.selectors) > 0 {
		selectors = strings.Join(r.selectors, " ")
	}
	return fmt.Sprintf("policy rule %d: %s %s", r.priority, selectors, r.action())
}
