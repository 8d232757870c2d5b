#!/usr/bin/env bash
# A node answers ARP for an address that it does not have, if a policy rule leads to a table in which the address is local.
#
# Software: Linux; iproute2 6.1, iputils 20221126 (ping)
# Source:   arp_process() in net/ipv4/arp.c answers if ip_route_input_noref() says RTN_LOCAL: the look-up goes through all
#           policy rules. arp_ignore 1 asks inet_confirm_addr() for an address of the interface instead
# Guess:    ARP is answered for the addresses that "ip address" lists (and for those of proxy_arp)
# Seen:     "from 192.0.2.1 lookup 100" is enough for 192.0.2.9, local in table 100, to be found by 192.0.2.1; "ip address" does
#           not list it. With arp_ignore=1 it is not found
# So:       look for a node that answers by mistake in "ip route show table all type local" and "ip rule", not in "ip address"

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 ping:iputils-ping sysctl:procps
enter
ip netns add a
ip netns add b
ip -n a link add name v0 type veth peer name v0 netns b
for node in a b; do ip -n $node link set dev lo up; ip -n $node link set dev v0 up; done
ip -n a address add 192.0.2.1/24 dev v0
ip -n b address add 192.0.2.2/24 dev v0

# found ADDRESS prints whether a finds a neighbour for it.
found() {
	ip -n a neigh flush dev v0
	ip netns exec a ping -c 1 -W 1 "$1" >/dev/null 2>&1 || true
	if ip -n a neigh show "$1" | grep -q lladdr; then echo yes; else echo no; fi
}
soon ip netns exec a ping -c 1 -W 1 192.0.2.2
expect "192.0.2.9 is found" "$(found 192.0.2.9)" "no"
ip -n b route add local 192.0.2.9 dev lo table 100
expect "192.0.2.9 is found, local in table 100 of b" "$(found 192.0.2.9)" "no"
ip -n b rule add from 192.0.2.1 lookup 100
expect "192.0.2.9 is found, with a rule of b for the sender" "$(found 192.0.2.9)" "yes"
expect "addresses of b" "$(ip -n b -4 -o address show dev v0 | awk '{print $4}' | xargs)" "192.0.2.2/24"
ip netns exec b sysctl -qw net.ipv4.conf.v0.arp_ignore=1
expect "192.0.2.9 is found, with arp_ignore=1" "$(found 192.0.2.9)" "no"
