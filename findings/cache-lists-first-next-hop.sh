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
needs ip:iproute2 ping:iputils-ping sysctl:procps
enter

for node in sender left right target; do
	ip netns add $node
	ip -n $node link set dev lo up
	ip netns exec $node sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.auto_flowlabels=0
done
n=1
for node in left right; do
	ip -n sender link add name $node type veth peer name in netns $node
	ip -n target link add name $node mtu 1300 type veth peer name out mtu 1300 netns $node
	for link in "sender $node" "target $node" "$node in" "$node out"; do ip -n ${link% *} link set dev ${link#* } up; done
	ip -n sender address add 2001:db8:$n::1/64 dev $node nodad
	ip -n $node address add 2001:db8:$n::2/64 dev in nodad
	ip -n $node address add 2001:db8:1$n::2/64 dev out nodad
	ip -n target address add 2001:db8:1$n::1/64 dev $node nodad
	ip -n $node route add 2001:db8:f::/64 via 2001:db8:1$n::1
	ip -n $node route add 2001:db8:a::/64 via 2001:db8:$n::1
	n=$((n + 1))
done
ip -n sender address add 2001:db8:a::1/64 dev lo nodad
ip -n sender route add 2001:db8:f::/64 src 2001:db8:a::1 nexthop via 2001:db8:1::2 nexthop via 2001:db8:2::2
ip -n target route add 2001:db8:a::/64 nexthop via 2001:db8:11::2 nexthop via 2001:db8:12::2
for i in {1..24}; do ip -n target address add 2001:db8:f::$i/128 dev lo nodad; done

for i in {1..24}; do ip netns exec sender ping -c 3 -i 0.3 -W 1 -s 1400 2001:db8:f::$i >/dev/null 2>&1 & done
wait

# links prints how many of the lines with an MTU name each link.
links() { grep mtu | grep -oE 'dev (left|right)' | sort | uniq -c | xargs; }
known=$(for i in {1..24}; do ip -n sender -6 route get 2001:db8:f::$i ipproto ipv6-icmp; done | links)
listed=$(ip -n sender -6 route show cache | links)
echo "known by look-ups: $known"
echo "listed: $listed"
expect "links in look-ups" "$(tr -d '0-9 ' <<<"$known")" "devleftdevright"
expect "links in the list" "$(tr -d '0-9 ' <<<"$listed")" "devleft"
