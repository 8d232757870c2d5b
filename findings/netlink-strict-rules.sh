#!/usr/bin/env bash
# With strict checking on, vishvananda/netlink cannot list policy rules; links, addresses and routes it can.
#
# Software: github.com/vishvananda/netlink v1.3.1; Linux
# Source:   RuleListFiltered() in rule_linux.go starts its request with a struct ifinfomsg, of 16 bytes. The kernel takes the
#           12 bytes of a fib_rule_hdr for a header and refuses the rest (fib_valid_dumprule_req() in
#           net/core/fib_rules.c); without strict checking it looks at the family only
# Guess:    SetStrictCheck(true), which lets the kernel filter dumps, affects only how much is listed
# Seen:     RuleList is "invalid argument" on a handle with strict checking, and lists the three rules without it
# So:       one handle with strict checking for routes and addresses, another without it for rules

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 go:golang-go
go_program github.com/vishvananda/netlink@v1.3.1 <<'END'
package main

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func main() {
	for _, strict := range []bool{false, true} {
		handle, err := netlink.NewHandle()
		if err != nil {
			panic(err)
		}
		if err := handle.SetStrictCheck(strict); err != nil {
			panic(err)
		}
		_, links := handle.LinkList()
		_, addresses := handle.AddrList(nil, unix.AF_INET)
		_, routes := handle.RouteList(nil, unix.AF_INET)
		list, rules := handle.RuleList(unix.AF_INET)
		fmt.Printf("strict %v: links %v, addresses %v, routes %v, rules %v (%d)\n", strict, links, addresses, routes, rules, len(list))
	}
}
END
enter

seen=$("$FINDING_DIR/program")
expect "without" "$(grep false <<<"$seen")" "strict false: links <nil>, addresses <nil>, routes <nil>, rules <nil> (3)"
expect "with" "$(grep true <<<"$seen")" "strict true: links <nil>, addresses <nil>, routes <nil>, rules invalid argument (0)"
