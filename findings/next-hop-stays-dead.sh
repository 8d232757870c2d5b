#!/usr/bin/env bash
# A next hop through an IPv6 neighbour dies with its link's last IPv4 address, and replacing the route does not revive it.
#
# Software: Linux; iproute2 6.1
# Source:   fib_sync_down_dev() in net/ipv4/fib_semantics.c marks all IPv4 next hops of a device that has lost its last IPv4
#           address; fib_find_info() there gives a route the next hops that an equal route has, and does not compare their marks
# Guess:    an IPv6 neighbour needs no IPv4 address, and "ip route replace" writes the next hops that it is given
# Seen:     the link is up and has its carrier, and the next hop is "dead linkdown". The same route, replaced, stays so. It
#           lives after the route has been deleted and added, and the link has no IPv4 address as before
# So:       take the next hop out of the route before the address goes, and put it back

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

for node in router a b; do ip netns add $node; done
for node in a b; do
	ip -n router link add name $node type veth peer name up netns $node
	ip -n $node link set dev up up
	ip -n router link set dev $node up
done
ip -n router address add 192.0.2.1/30 dev a
ip -n router address add 198.51.100.1/30 dev b
ip -n router address add 2001:db8::1/64 dev b nodad
hops=(203.0.113.0/24 nexthop via 192.0.2.2 nexthop via inet6 2001:db8::2 dev b)
soon ip -n router route add "${hops[@]}"

# flags are those of the next hop through the IPv6 neighbour.
flags() { ip -n router route show 203.0.113.0/24 | sed -n 's/.*via inet6 2001:db8::2 dev b weight 1 *//p' | sed 's/ *$//'; }
expect "with an IPv4 address the next hop is" "$(flags)" ""
ip -n router address delete 198.51.100.1/30 dev b
expect "without one it is" "$(flags)" "dead linkdown"
expect "the link has" "$(ip -n router link show dev b | grep -o LOWER_UP)" "LOWER_UP"
ip -n router route replace "${hops[@]}"
expect "replaced, it is" "$(flags)" "dead linkdown"
ip -n router route delete 203.0.113.0/24
ip -n router route add "${hops[@]}"
expect "deleted and added, it is" "$(flags)" ""
expect "IPv4 addresses of the link" "$(ip -n router -4 -o address show dev b | wc -l)" "0"
