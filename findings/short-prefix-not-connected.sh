#!/usr/bin/env bash
# The address 10.0.0.1/1 is taken without an error and has no connected route: nothing in its prefix can be reached.
#
# Software: Linux; iproute2 6.1
# Source:   fib_add_ifaddr() in net/ipv4/fib_frontend.c adds the prefix's route only if the prefix is no zeronet, that is, not
#           in 0.0.0.0/8: with a length of 1 to 4, the prefix of 10.0.0.1 is 0.0.0.0
# Guess:    as with 10.0.0.1/8: a connected route to the prefix
# Seen:     10.0.0.1/1 to /4 have a local route alone, /5 has a connected one to 8.0.0.0/5; a gateway from "their" prefix is
#           "Nexthop has invalid gateway"
# So:       refuse addresses whose prefix begins with 0.0.0.0, or write the link route by hand

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip link add name link0 type veth peer name link1
ip link set dev link0 up
ip link set dev link1 up

# connected LENGTH prints the connected routes of 10.0.0.1 with that prefix length.
connected() {
	ip address add "10.0.0.1/$1" dev link0
	ip -4 route show proto kernel dev link0 | cut -d' ' -f1
	ip -4 address flush dev link0
}

for length in 1 2 3 4; do
	expect "10.0.0.1/$length" "$(connected "$length")" ""
done
expect "10.0.0.1/5" "$(connected 5)" "8.0.0.0/5"
expect "10.0.0.1/8" "$(connected 8)" "10.0.0.0/8"
ip address add 10.0.0.1/1 dev link0
expect "a gateway in 10.0.0.1/1" "$(ip route add 203.0.113.0/24 via 10.0.0.2 2>&1)" "Error: Nexthop has invalid gateway."
