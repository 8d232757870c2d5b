#!/usr/bin/env bash
# An IPv6 route that one program appends becomes a next hop of another program's route, and is listed under its protocol.
#
# Software: Linux; iproute2 6.1
# Source:   rt6_fill_node() in net/ipv6/route.c writes rtm_protocol of the first route and lists its siblings, each of which
#           has a fib6_protocol of its own, as next hops
# Guess:    as in IPv4: two routes to one prefix, each with the protocol that it was added with
# Seen:     one route of the first protocol with two next hops; "proto" selects each of them for deletion as it was added,
#           and once the first is gone the second is listed with its own protocol. IPv4 keeps two routes
# So:       the protocol does not tell whose a next hop of an IPv6 route is; compare next hops with what you wanted

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip link add name link0 type veth peer name link1
ip link set dev link0 up
ip link set dev link1 up
ip address add 192.0.2.1/24 dev link0
ip address add 2001:db8::1/64 dev link0 nodad

# listed FAMILY PREFIX prints the protocol of each route and the gateways, on one line.
listed() { ip "$1" route show "$2" | grep -oE 'proto [a-z0-9]+|via [0-9a-f:.]+' | paste -sd' '; }

ip route add 198.51.100.0/24 via 192.0.2.2 proto 77
ip route append 198.51.100.0/24 via 192.0.2.3 proto 88
expect "IPv4" "$(listed -4 198.51.100.0/24)" "via 192.0.2.2 proto 77 via 192.0.2.3 proto 88"

ip -6 route add 2001:db8:1::/64 via 2001:db8::2 proto 77
ip -6 route append 2001:db8:1::/64 via 2001:db8::3 proto 88
expect "IPv6" "$(listed -6 2001:db8:1::/64)" "proto 77 via 2001:db8::2 via 2001:db8::3"

ip -6 route delete 2001:db8:1::/64 via 2001:db8::3 proto 77 2>/dev/null && code=0 || code=$?
expect "second next hop deleted as protocol 77, exit code" "$code" 2
ip -6 route delete 2001:db8:1::/64 via 2001:db8::2 proto 77
expect "without the first" "$(listed -6 2001:db8:1::/64)" "via 2001:db8::3 proto 88"
