#!/usr/bin/env bash
# keep_addr_on_down keeps every IPv6 address of a link that goes down but the link-local ones, written ones included.
#
# Software: Linux; iproute2 6.1, procps 4.0 (sysctl)
# Source:   addrconf_ifdown() in net/ipv6/addrconf.c keeps an address if it is permanent and addr_is_local() is false, which
#           is true of link-local addresses; Documentation/networking/ip-sysctl.rst says "Keep all IPv6 addresses"
# Guess:    a permanent address that was written, fe80::1 of a router, stays like the global one
# Seen:     the global address outlives "ip link set down"; fe80::1 is gone, and after "up" only the address that the kernel
#           makes from the MAC is back. Neighbours that have fe80::1 as their gateway lose it
# So:       write link-local addresses again after every link that went down, as without keep_addr_on_down

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 sysctl:procps
enter

# addresses prints the written addresses of the link, on one line.
addresses() { ip -6 -o address show dev link0 | grep -oE '(2001:db8::1|fe80::1)/64' | paste -sd' '; }

sysctl -q -w net.ipv6.conf.all.keep_addr_on_down=1
ip link add name link0 type veth peer name link1
ip link set dev link1 up
ip link set dev link0 up
ip address add 2001:db8::1/64 dev link0 nodad
ip address add fe80::1/64 dev link0 nodad
expect "up" "$(addresses)" "2001:db8::1/64 fe80::1/64"
ip link set dev link0 down
expect "down" "$(addresses)" "2001:db8::1/64"
ip link set dev link0 up
expect "up again" "$(addresses)" "2001:db8::1/64"
