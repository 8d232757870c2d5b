#!/usr/bin/env bash
# "ip address replace" with another prefix length succeeds and leaves an IPv6 address with the length that it had.
#
# Software: Linux; iproute2 6.1
# Source:   inet6_rtm_newaddr() in net/ipv6/addrconf.c looks for the address on the link whatever its length (ipv6_get_ifaddr()), and
#           inet6_addr_modify() changes lifetimes, flags, metric and protocol, not the length
# Guess:    the address has the new prefix and its connected route, or there are two, as for IPv4, or an error
# Seen:     IPv4 has both prefixes; IPv6 has the old one, and no route to the new one; "add" says that the address is there
# So:       delete an IPv6 address before it gets another prefix length, and compare the length, not only the address

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip link add name eth0 type veth peer name eth1
ip link set eth0 up
ip link set eth1 up

prefixes() { ip -o "$1" address show dev eth0 scope global | sed -E 's/.*inet6? ([^ ]+).*/\1/' | xargs; }

ip address add 192.0.2.1/32 dev eth0
ip address replace 192.0.2.1/24 dev eth0
ip address add 2001:db8::1/128 dev eth0 nodad
ip address replace 2001:db8::1/64 dev eth0 nodad
echo "replaced without an error"
ipv4=$(prefixes -4)
ipv6=$(prefixes -6)
echo "IPv4: $ipv4"
echo "IPv6: $ipv6"
routes=$(ip -6 route show 2001:db8::/64 | wc -l)
echo "IPv6 routes to the new prefix: $routes"
if ip address add 2001:db8::1/64 dev eth0 nodad 2>/dev/null; then added=yes; else added=no; fi
expect "prefixes of IPv4" "$ipv4" "192.0.2.1/32 192.0.2.1/24"
expect "prefixes of IPv6" "$ipv6" "2001:db8::1/128"
expect "routes to the new IPv6 prefix" "$routes" 0
expect "added as a second one" "$added" no
