#!/usr/bin/env bash
# Over equal IPv6 paths some destinations never get a packet larger than the path's MTU, however often the sender is told it.
#
# Software: Linux; iproute2 6.1, iputils 20221126 (ping)
# Source:   ip6_update_pmtu() in net/ipv6/route.c looks up the route of the packet that was too big without its next header,
#           which rt6_multipath_hash() there takes part in; the learnt MTU is kept with the next hop so found, not with
#           the one that the packet took (policy 0; each next hop has its own table of exceptions)
# Guess:    the first large packet is lost, and the next ones are fragmented, as over one path
# Seen:     over one path all of 16 destinations answer a ping of 1400 bytes at the second try. Over two equal ones some never
#           do, though all answer a small ping
# So:       give equal paths equal MTUs; a path MTU that is not obeyed is no packet filter

. "$(dirname "$0")/lib/namespace.sh"
. "$(dirname "$0")/lib/equal_paths.sh"
needs ip:iproute2 ping:iputils-ping sysctl:procps
enter

equal_paths 16

# silent SIZE prints which destinations answer none of five pings.
silent() {
	local i
	for i in {1..16}; do
		{ ip netns exec sender ping -c 5 -i 0.2 -W 1 -s "$1" 2001:db8:f::$i >/dev/null 2>&1 || echo $i; } &
	done
	wait
}
count() { wc -w <<<"$1"; }
over() { ip -n sender route replace 2001:db8:f::/64 src 2001:db8:a::1 "$@"; ip -n sender -6 route flush cache; }

over via 2001:db8:1::2
expect "one path, 1400 bytes: silent" "$(count "$(silent 1400)")" 0
over nexthop via 2001:db8:1::2 nexthop via 2001:db8:2::2
expect "two paths, 56 bytes: silent" "$(count "$(silent 56)")" 0
seen=$(silent 1400)
echo "two paths, 1400 bytes: silent: $(count "$seen")"
expect "there are such" "$((0 < $(count "$seen")))" 1
