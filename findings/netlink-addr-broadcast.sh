#!/usr/bin/env bash
# vishvananda/netlink gives an IPv4 address a broadcast address without being asked, ip does not.
#
# Software: github.com/vishvananda/netlink v1.3.1; iproute2 6.1; Linux
# Source:   addrHandle() in addr_linux.go computes a broadcast address for prefixes shorter than 31 bits if Addr.Broadcast is
#           nil; ip-address(8) sets one only after "broadcast"
# Guess:    AddrAdd of 192.0.2.1/24 and "ip address add 192.0.2.1/24" do the same
# Seen:     the first has "brd 192.0.2.255", the second none. Either way the kernel has the broadcast route of the prefix. A
#           Broadcast of 0.0.0.0 prevents it
# So:       compare addresses without their broadcast address, or write it in both places

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 go:golang-go
go_program github.com/vishvananda/netlink@v1.3.1 <<'END'
package main

import (
	"net"
	"os"

	"github.com/vishvananda/netlink"
)

func main() {
	link, err := netlink.LinkByName(os.Args[1])
	if err != nil {
		panic(err)
	}
	address, err := netlink.ParseAddr(os.Args[2])
	if err != nil {
		panic(err)
	}
	if len(os.Args) > 3 {
		address.Broadcast = net.ParseIP(os.Args[3]).To4()
	}
	if err := netlink.AddrAdd(link, address); err != nil {
		panic(err)
	}
}
END
enter

ip link add name link0 type veth peer name link1
ip link set dev link0 up
ip link set dev link1 up
shown() { ip -o -4 address show dev link0 | grep -o "$1/[0-9]* [a-z]* [^ ]*"; }

ip address add 192.0.2.1/24 dev link0
"$FINDING_DIR/program" link0 198.51.100.1/24
"$FINDING_DIR/program" link0 203.0.113.1/24 0.0.0.0
expect "ip address add" "$(shown 192.0.2.1)" "192.0.2.1/24 scope global"
expect "AddrAdd" "$(shown 198.51.100.1)" "198.51.100.1/24 brd 198.51.100.255"
expect "AddrAdd, Broadcast 0.0.0.0" "$(shown 203.0.113.1)" "203.0.113.1/24 scope global"
expect "broadcast routes" "$(ip route show table local type broadcast dev link0 | grep -c '\.255 ')" 3
