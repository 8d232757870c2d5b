#!/usr/bin/env bash
# "ip route replace" of a connected IPv4 prefix replaces the kernel's own route, and nothing brings that one back.
#
# Software: Linux; iproute2 6.1
# Source:   fib_table_insert() in net/ipv4/fib_trie.c looks for a route with the same prefix, TOS and metric; protocol and
#           scope are no part of the key, and the kernel's route has metric 0 as one of "ip route" does
# Guess:    a static route goes beside the connected one, or is refused, as "ip route add" is
# Seen:     the prefix is no longer connected: neighbours on the link are asked for through the gateway. Deleting the static
#           route leaves no route to the prefix, though the address is still there. In IPv6 the connected route has metric
#           256, and both stay
# So:       give a static route to a connected prefix a metric; to repair, add the address again

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip link add name link0 type veth peer name link1
ip link set dev link0 up
ip link set dev link1 up
ip address add 192.0.2.1/24 dev link0
ip address add 2001:db8::1/64 dev link0 nodad
protocols() { ip "$1" route show "$2" | grep -oE 'proto [a-z0-9]+' | paste -sd' '; }

expect "connected" "$(protocols -4 192.0.2.0/24)" "proto kernel"
ip route replace 192.0.2.0/24 via 192.0.2.9 proto 77
expect "after replace" "$(protocols -4 192.0.2.0/24)" "proto 77"
ip route delete 192.0.2.0/24 proto 77
expect "after delete" "$(protocols -4 192.0.2.0/24)" ""
expect "address" "$(ip -o -4 address show dev link0 | grep -c 192.0.2.1/24)" 1

ip -6 route replace 2001:db8::/64 via 2001:db8::9 proto 77
expect "IPv6 after replace" "$(protocols -6 2001:db8::/64)" "proto kernel proto 77"
