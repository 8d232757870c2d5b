#!/usr/bin/env bash
# A host obeys router advertisements though its net.ipv6.conf.all.accept_ra is 0.
#
# Software: Linux; Python 3.11, which sends the advertisement
# Source:   ndisc_router_discovery() in net/ipv6/ndisc.c asks for accept_ra of the link alone; nothing reads "all", and
#           a write to it reaches no link. all.disable_ipv6 and all.forwarding do reach every link
# Guess:    "all" means every link, as the two others show and as IPv4 has it
# Seen:     with all.accept_ra=0 and all.autoconf=0 one advertisement gives the host an address and a default route;
#           with accept_ra=0 of the link it gives neither
# So:       set the link's own value, or "default" before the link is there

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 sysctl:procps python3:python3-minimal
enter

ip netns add router
ip netns add host
ip -n host link add name v0 type veth peer name v0 netns router
for node in router host; do ip netns exec $node sysctl -qw net.ipv6.conf.v0.dad_transmits=0; done
host_sysctl() { ip netns exec host sysctl -qw "$@"; }

# advertise PREFIX sends a router advertisement (RFC 4861): a router for 1800 s, a prefix for addresses.
advertise() {
	ip netns exec router python3 - "$1" <<'EOF'
import socket, struct, sys
link = socket.if_nametoindex("v0")
message = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 3600, 0) + socket.inet_pton(socket.AF_INET6, sys.argv[1])
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.sendto(message + prefix, ("ff02::1", 0, 0, link))
EOF
	sleep 0.5
}
learned() {
	echo "$(ip -n host -6 -o address show dev v0 scope global | grep -c dynamic || true) address," \
		"$(ip -n host -6 route show default | grep -c 'proto ra' || true) default route"
}

host_sysctl net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.all.autoconf=0
for node in router host; do ip -n $node link set dev v0 up; done
for node in router host; do soon sh -c "ip -n $node -6 address show dev v0 scope link -tentative | grep -q fe80"; done

advertise 2001:db8:1::
expect "learned with all.accept_ra=0" "$(learned)" "1 address, 1 default route"

ip -n host -6 address flush dev v0 scope global
ip -n host -6 route flush proto ra
host_sysctl net.ipv6.conf.all.accept_ra=1 net.ipv6.conf.v0.accept_ra=0
advertise 2001:db8:2::
expect "learned with all.accept_ra=1 and v0.accept_ra=0" "$(learned)" "0 address, 0 default route"
