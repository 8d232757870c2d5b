#!/usr/bin/env bash
# "ip -6 route show cache" lists the learnt path MTUs of a route's first next hop only.
#
# Software: Linux; iproute2 6.1, iputils 20221126 (ping)
# Source:   rt6_dump_route() in net/ipv6/route.c walks the exceptions of the entry it is at; the tables of the other next hops,
#           fib6_siblings, each an entry of its own, are passed over with the siblings (fib6_dump_node() in ip6_fib.c)
# Guess:    the cache lists all that the kernel has learnt, as for IPv4
# Seen:     with two next hops the kernel knows a smaller MTU for more destinations than the cache lists, and all that it lists
#           are over the first
# So:       ask for one destination with "ip -6 route get" and its protocol; an empty cache proves nothing

. "$(dirname "$0")/lib/namespace.sh"
. "$(dirname "$0")/lib/equal_paths.sh"
needs ip:iproute2 ping:iputils-ping sysctl:procps
enter

equal_paths 24

for i in {1..24}; do ip netns exec sender ping -c 3 -i 0.3 -W 1 -s 1400 2001:db8:f::$i >/dev/null 2>&1 & done
wait

# links prints how many of the lines with an MTU name each link.
links() { { grep mtu || true; } | sed -nE 's/.*(dev (left|right)).*/\1/p' | sort | uniq -c | xargs; }
known=$(for i in {1..24}; do ip -n sender -6 route get 2001:db8:f::$i ipproto ipv6-icmp; done | links)
listed=$(ip -n sender -6 route show cache | links)
echo "known by look-ups: $known"
echo "listed: $listed"
expect "links in look-ups" "$(tr -d '0-9 ' <<<"$known")" "devleftdevright"
expect "links in the list" "$(tr -d '0-9 ' <<<"$listed")" "devleft"
