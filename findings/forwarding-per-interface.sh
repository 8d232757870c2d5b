#!/usr/bin/env bash
# Whether a packet is forwarded is decided by its link's setting in IPv4, and by that of "all" in IPv6.
#
# Software: Linux; iputils 20221126 (ping)
# Source:   ip_route_input_slow() in net/ipv4/route.c asks for the value of the link a packet comes in by; "all" is
#           only written through to every link. ip6_forward() in net/ipv6/ip6_output.c asks for "all" alone (from
#           Linux 6.17 on, also for the link's force_forwarding)
# Guess:    conf.all.forwarding and conf.LINK.forwarding mean the same in both families
# Seen:     "all" on and both links off: IPv6 passes, IPv4 does not; "all" off and both links on: the reverse
# So:       net.ipv4.ip_forward=0 does not prove that a machine does not forward, nor does forwarding=0 of IPv6's links

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 sysctl:procps ping:iputils-ping
enter

for node in left router right; do
	ip netns add $node
	ip netns exec $node sysctl -qw net.ipv6.conf.default.dad_transmits=0 net.ipv4.conf.all.rp_filter=0
done
ip -n left link add name v0 type veth peer name west netns router
ip -n right link add name v0 type veth peer name east netns router
for end in left/v0/1 router/west/254 router/east/254 right/v0/1; do
	IFS=/ read -r node link host <<<"$end"
	net=1
	if [ "$node" = right ] || [ "$link" = east ]; then net=2; fi
	ip -n "$node" link set dev "$link" up
	ip -n "$node" address add 198.18.$net."$host"/24 dev "$link"
	ip -n "$node" address add 2001:db8:$net::"$host"/64 dev "$link"
	if [ "$host" = 1 ]; then
		ip -n "$node" route add default via 198.18.$net.254
		ip -n "$node" route add default via 2001:db8:$net::254
	fi
done
in_left() { ip netns exec left ping -c 1 -W 1 "$1" >/dev/null 2>&1; }
passes() { if in_left "$1"; then echo passes; else echo "does not pass"; fi; }

# forwarding ALL LINK sets both, in this order, and prints what passes.
forwarding() {
	local family
	for family in ipv4 ipv6; do
		ip netns exec router sysctl -qw net.$family.conf.all.forwarding="$1" \
			net.$family.conf.west.forwarding="$2" net.$family.conf.east.forwarding="$2"
	done
	echo "IPv4 $(passes 198.18.2.1), IPv6 $(passes 2001:db8:2::1)"
}

ip netns exec router sysctl -qw net.ipv4.conf.all.forwarding=1 net.ipv6.conf.all.forwarding=1
soon in_left 198.18.2.1
soon in_left 2001:db8:2::1
expect "all 1, links 1" "$(forwarding 1 1)" "IPv4 passes, IPv6 passes"
expect "all 1, links 0" "$(forwarding 1 0)" "IPv4 does not pass, IPv6 passes"
expect "all 0, links 1" "$(forwarding 0 1)" "IPv4 passes, IPv6 does not pass"
