#!/usr/bin/env bash
# "ip -6 route get … iif" passes over a policy rule for user 0 that every forwarded packet meets; for IPv4 it does not.
#
# Software: Linux; iproute2 6.1, iputils 20221126 (ping)
# Source:   inet6_rtm_getroute() in net/ipv6/route.c looks up with the invalid user if the request has iif and no RTA_UID;
#           ip6_route_input() leaves the user of a forwarded packet 0. inet_rtm_getroute() in net/ipv4/route.c asks the
#           input path itself
# Guess:    a look-up with iif answers for a packet that comes in there, in both families
# Seen:     with "ip rule add uidrange 0-0 lookup 100" the router sends packets of both families by table 100; the look-up
#           for IPv4 says so, that for IPv6 names the main table, unless it is given "uid 0"
# So:       give a look-up for a forwarded packet "uid 0"

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 ping:iputils-ping sysctl:procps
enter
[ "$(awk '{print $2}' /proc/self/uid_map)" = 0 ] || cannot "IPv6's user 0 is the machine's root, and this user namespace has another"

ip netns add sender
ip netns add router
ip -n router link add name in type veth peer name v0 netns sender
ip -n sender link set dev v0 up
ip netns exec router sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1
for link in in main hundred; do
	[ $link = in ] || ip -n router link add name $link type veth peer name far-$link
	[ $link = in ] || ip -n router link set dev far-$link up
	ip -n router link set dev $link up
done
ip -n sender address add 198.18.1.1/24 dev v0
ip -n sender address add 2001:db8:1::1/64 dev v0 nodad
ip -n router address add 198.18.1.2/24 dev in
ip -n router address add 2001:db8:1::2/64 dev in nodad
ip -n sender route add default via 198.18.1.2
ip -n sender route add default via 2001:db8:1::2
n=2
for link in main hundred; do
	table=254
	[ $link = main ] || table=100
	ip -n router address add 198.18.$n.1/24 dev $link
	ip -n router address add 2001:db8:$n::1/64 dev $link nodad
	ip -n router route add 198.51.100.0/24 via 198.18.$n.2 table $table
	ip -n router route add 2001:db8:f::/64 via 2001:db8:$n::2 table $table
	n=$((n + 1))
done
ip -n router -4 rule add uidrange 0-0 lookup 100
ip -n router -6 rule add uidrange 0-0 lookup 100

looked_up() { ip -n router route get "$@" | grep -oE 'dev (main|hundred)'; }

# taken ADDRESS prints the link on which the router asks for the next hop of a forwarded ping.
taken() {
	ip -n router neigh flush all
	ip netns exec sender ping -c 1 -W 1 "$1" >/dev/null 2>&1 || true
	ip -n router neigh show | sed -nE 's/.*\.2 dev (main|hundred) .*|.*::2 dev (main|hundred) .*/dev \1\2/p'
}

expect "IPv4 ping" "$(taken 198.51.100.1)" "dev hundred"
expect "IPv4 look-up" "$(looked_up 198.51.100.1 from 198.18.1.1 iif in)" "dev hundred"
expect "IPv6 ping" "$(taken 2001:db8:f::1)" "dev hundred"
expect "IPv6 look-up" "$(looked_up 2001:db8:f::1 from 2001:db8:1::1 iif in)" "dev main"
expect "IPv6 look-up with uid 0" "$(looked_up 2001:db8:f::1 from 2001:db8:1::1 iif in uid 0)" "dev hundred"
