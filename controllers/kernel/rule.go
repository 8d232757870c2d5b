// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Attributes of linux/fib_rules.h that x/sys/unix does not name.
const (
	fraDSCP      = 25 // FRA_DSCP
	fraFlowLabel = 26 // FRA_FLOWLABEL
)

// rule is a policy rule as a namespace's kernel describes it: struct fib_rule_hdr has the layout of rtmsg.
type rule struct {
	header *nl.RtMsg
	state.PolicyRule
	// words are its selectors as ip rule writes them, by their attributes; options what follows the action.
	words   map[uint16]string
	options []string
	mark    uint32
	mask    uint32
}

// defaultRules are the kernel's own, by priority. IPv6 has no default table.
var defaultRules = []struct{ priority, table uint32 }{{0, unix.RT_TABLE_LOCAL}, {state.MainRule, unix.RT_TABLE_MAIN}, {32767, unix.RT_TABLE_DEFAULT}}

// rules finds those that somebody added, and the kernel's own that somebody deleted.
func (in *interferer) rules() error {
	rules, err := in.handle.policyRules()
	for _, r := range rules {
		if r.What != "" {
			in.found = append(in.found, r)
		}
	}
	return err
}

// policyRules are the policy rules of both families, with the kernel's own that are missing in their places.
func (h *handle) policyRules() (all []state.Unmanaged, err error) {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		list, err := h.conn.rules(family)
		if err != nil {
			return nil, fmt.Errorf("list policy rules: %w", err)
		}
		look := "ip" + map[uint8]string{unix.AF_INET6: " -6"}[family] + " -n " + h.name + " rule"
		missing := defaultRules[:2]
		for _, r := range list {
			all = append(all, r.unmanaged(look, list))
			if r.isDefault() {
				missing = without(missing, r.Priority)
			}
		}
		for _, gone := range missing {
			if len(list) > 0 || family == unix.AF_INET { // a kernel without IPv6 has none of its rules
				all = append(all, missingRule(look, gone.priority, gone.table, family == unix.AF_INET6))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b state.Unmanaged) int { return cmp.Compare(a.Rule.Priority, b.Rule.Priority) })
	return all, nil
}

// unmanaged is the rule with the commands that show and delete it. A priority alone names the first of those
// that share it, which may be one of the kernel's own.
func (r rule) unmanaged(look string, among []rule) state.Unmanaged {
	if r.isDefault() {
		return state.Unmanaged{Rule: r.PolicyRule}
	}
	undo := fmt.Sprintf("%s delete pref %d", look, r.Priority)
	if others := slices.DeleteFunc(slices.Clone(among), func(o rule) bool { return o.Priority != r.Priority }); len(others) > 1 {
		undo += " " + r.selectors() + " " + r.Action
	}
	return state.Unmanaged{What: r.String(), Look: look, Undo: undo, Rule: r.PolicyRule}
}

func missingRule(look string, priority, table uint32, ipv6 bool) state.Unmanaged {
	return state.Unmanaged{
		What: fmt.Sprintf("no policy rule %d", priority), Look: look,
		Undo: fmt.Sprintf("%s add pref %d lookup %s", look, priority, tableName(table)),
		Rule: state.PolicyRule{Priority: priority, IPv6: ipv6, Action: "lookup " + tableName(table), Table: table, Missing: true},
	}
}

func (r rule) isDefault() bool {
	own := state.PolicyRule{Priority: r.Priority, IPv6: r.IPv6, Action: r.Action, Table: r.Table}
	return r.PolicyRule == own && r.header.Type == unix.FR_ACT_TO_TBL && len(r.words) == 0 && len(r.options) == 0 &&
		slices.Contains(defaultRules, struct{ priority, table uint32 }{r.Priority, r.Table})
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
	r := rule{header: nl.DeserializeRtMsg(msg), words: map[uint16]string{}}
	r.Table, r.IPv6 = uint32(r.header.Table), r.header.Family == unix.AF_INET6
	r.Inverted = r.header.Flags&unix.FIB_RULE_INVERT != 0
	if r.header.Tos != 0 {
		r.words[fraDSCP], r.OtherPackets = fmt.Sprintf("tos %#x", r.header.Tos), true
	}
	err := rtnl.Attributes(msg[unix.SizeofRtMsg:], func(kind uint16, value []byte) error {
		r.set(kind, value)
		return nil
	})
	r.finish()
	return r, err
}

func (r *rule) set(kind uint16, value []byte) {
	switch kind {
	case unix.FRA_PRIORITY:
		r.Priority = rtnl.Uint32(value)
	case unix.FRA_TABLE:
		r.Table = rtnl.Uint32(value)
	case unix.FRA_GOTO:
		r.Target = rtnl.Uint32(value)
	case unix.FRA_SRC:
		r.From = netip.PrefixFrom(rtnl.Addr(value), int(r.header.Src_len))
	case unix.FRA_DST:
		r.To = netip.PrefixFrom(rtnl.Addr(value), int(r.header.Dst_len))
	case unix.FRA_IIFNAME:
		r.Incoming = rtnl.Text(value)
	case unix.FRA_OIFNAME:
		r.Outgoing = rtnl.Text(value)
	case unix.FRA_SUPPRESS_PREFIXLEN:
		r.SuppressedBits = int(int32(rtnl.Uint32(value))) + 1
	case unix.FRA_SUPPRESS_IFGROUP:
		if group := int32(rtnl.Uint32(value)); group >= 0 {
			r.options = append(r.options, fmt.Sprintf("suppress_ifgroup %d", group))
		}
	case unix.FRA_FWMARK:
		r.mark = rtnl.Uint32(value)
	case unix.FRA_FWMASK:
		r.mask = rtnl.Uint32(value)
	case unix.FRA_L3MDEV:
		if value[0] != 0 {
			r.otherThan(kind, "l3mdev", true)
		}
	default:
		r.setTransport(kind, value)
	}
}

// setTransport reads selectors beyond addresses. An echo of root has none of the ports, and no TOS.
func (r *rule) setTransport(kind uint16, value []byte) {
	switch kind {
	case unix.FRA_UID_RANGE:
		first, last := rtnl.Uint32(value), rtnl.Uint32(value[4:])
		r.otherThan(kind, fmt.Sprintf("uidrange %d-%d", first, last), first != 0)
	case unix.FRA_IP_PROTO:
		number := value[0]
		echo := map[bool]uint8{false: unix.IPPROTO_ICMP, true: unix.IPPROTO_ICMPV6}[r.IPv6]
		r.otherThan(kind, "ipproto "+protocolName(number), number != echo)
	case unix.FRA_SPORT_RANGE, unix.FRA_DPORT_RANGE:
		name := map[uint16]string{unix.FRA_SPORT_RANGE: "sport ", unix.FRA_DPORT_RANGE: "dport "}[kind]
		first, last := binary.NativeEndian.Uint16(value), binary.NativeEndian.Uint16(value[2:])
		if name += strconv.Itoa(int(first)); first != last {
			name += fmt.Sprintf("-%d", last)
		}
		r.otherThan(kind, name, true)
	case fraDSCP:
		r.otherThan(kind, fmt.Sprintf("dscp %d", value[0]), value[0] != 0)
	case unix.FRA_TUN_ID, fraFlowLabel:
		r.otherThan(kind, "for some packets", true)
	}
}

// otherThan adds a selector. other says that no echo has what it selects.
func (r *rule) otherThan(kind uint16, words string, other bool) {
	r.words[kind], r.OtherPackets = words, r.OtherPackets || other
}

// finish completes what depends on several attributes. A mask without a mark is for packets without these bits.
func (r *rule) finish() {
	if r.mark != 0 || r.mask != 0 {
		r.Marked = r.mark&r.mask != 0
		r.otherThan(unix.FRA_FWMARK, markWords(r.mark, r.mask), r.Marked)
	}
	if r.From.IsValid() {
		r.words[unix.FRA_SRC] = "from " + prefixWords(r.From)
	}
	if r.To.IsValid() {
		r.words[unix.FRA_DST] = "to " + prefixWords(r.To)
	}
	if r.Incoming != "" {
		r.words[unix.FRA_IIFNAME] = "iif " + r.Incoming
	}
	if r.Outgoing != "" {
		r.words[unix.FRA_OIFNAME] = "oif " + r.Outgoing
	}
	if r.SuppressedBits > 0 {
		r.options = append([]string{fmt.Sprintf("suppress_prefixlength %d", r.SuppressedBits-1)}, r.options...)
	}
	r.Action = r.action()
	if r.header.Type != unix.FR_ACT_TO_TBL {
		r.Table = 0
	}
	r.Action = strings.Join(append([]string{r.Action}, r.options...), " ")
}

// prefixWords leaves the length of a single address out.
func prefixWords(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func markWords(mark, mask uint32) string {
	if mask == math.MaxUint32 {
		return fmt.Sprintf("fwmark %#x", mark)
	}
	return fmt.Sprintf("fwmark %#x/%#x", mark, mask)
}

func protocolName(number uint8) string {
	names := map[uint8]string{unix.IPPROTO_ICMP: "icmp", unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp", unix.IPPROTO_ICMPV6: "ipv6-icmp"}
	return cmp.Or(names[number], strconv.Itoa(int(number)))
}

func (r rule) action() string {
	switch r.header.Type {
	case unix.FR_ACT_GOTO:
		return fmt.Sprintf("goto %d", r.Target)
	case unix.FR_ACT_NOP:
		return "nop"
	case unix.FR_ACT_BLACKHOLE:
		return "blackhole"
	case unix.FR_ACT_UNREACHABLE:
		return "unreachable"
	case unix.FR_ACT_PROHIBIT:
		return "prohibit"
	}
	return "lookup " + tableName(r.Table)
}

func tableName(table uint32) string {
	names := map[uint32]string{unix.RT_TABLE_LOCAL: "local", unix.RT_TABLE_MAIN: "main", unix.RT_TABLE_DEFAULT: "default"}
	return cmp.Or(names[table], strconv.FormatUint(uint64(table), 10))
}

// selectorOrder is the order in which ip rule writes them.
var selectorOrder = []uint16{
	unix.FRA_SRC, unix.FRA_DST, fraDSCP, unix.FRA_FWMARK, unix.FRA_IIFNAME, unix.FRA_OIFNAME, unix.FRA_L3MDEV,
	unix.FRA_UID_RANGE, unix.FRA_IP_PROTO, unix.FRA_SPORT_RANGE, unix.FRA_DPORT_RANGE, unix.FRA_TUN_ID, fraFlowLabel,
}

func (r rule) selectors() string {
	var words []string
	if r.Inverted {
		words = append(words, "not")
	}
	if r.words[unix.FRA_SRC] == "" {
		words = append(words, "from all")
	}
	for _, kind := range selectorOrder {
		if text := r.words[kind]; text != "" {
			words = append(words, text)
		}
	}
	return strings.Join(words, " ")
}

// String is the rule as ip rule writes it.
func (r rule) String() string {
	return fmt.Sprintf("policy rule %d: %s %s", r.Priority, r.selectors(), r.Action)
}
