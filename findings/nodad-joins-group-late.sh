#!/usr/bin/env bash
# An IPv6 address added with "nodad" is usable at once and cannot be found at once: its multicast group is joined later.
#
# Software: Linux; iproute2 6.1
# Source:   inet6_addr_add() in net/ipv6/addrconf.c calls addrconf_dad_start(), which only queues addrconf_dad_work(); that
#           one joins the solicited-node group in addrconf_dad_begin(), whether or not the address is "nodad"
# Guess:    without duplicate address detection there is nothing left to wait for once the address is acknowledged
# Seen:     listed in the very next request, some of 40 fresh addresses have no group yet, all have it a little later. A
#           neighbour solicitation in between is ignored, and the neighbour repeats it only after a second
# So:       wait for the group (RTM_GETMULTICAST, /proc/net/igmp6), not for the address, before another node asks for the address

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip link add name link0 type veth peer name link1
ip link set dev link0 up
ip link set dev link1 up

groups() { ip -6 maddress show dev link0 | grep -cE 'ff02::1:ff00:1[0-9a-f]{2}' || true; }
complete() { [ "$(groups)" = 40 ]; }

missing=0
for i in {256..295}; do
	host=$(printf %x "$i")
	printf 'address add 2001:db8::%s/64 dev link0 nodad\nmaddress show dev link0\n' "$host" |
		ip -6 -batch - | grep -q "ff02::1:ff00:$host" || missing=$((missing + 1))
done
echo "without a group right after the address: $missing of 40"
expect "at least one" "$((missing > 0))" 1
soon complete
expect "a little later, groups" "$(groups)" 40
