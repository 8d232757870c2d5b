#!/usr/bin/env bash
# An IPv6 router takes packets to the first address of its prefix for its own, also if a host on the link has that address.
#
# Software: Linux; iproute2 6.1, iputils 20221126 (ping)
# Source:   addrconf_join_anycast() in net/ipv6/addrconf.c adds the subnet-router anycast address (RFC 4291, section 2.6.1) of
#           each prefix while the interface forwards, for prefixes up to /126
# Guess:    as in IPv4, where a router sends packets for 192.0.2.0 to the neighbour that has it, or refuses the address
# Seen:     with 2001:db8::/64 on the link, pings by the router to the host 2001:db8:: never reach the host: the router answers
#           itself. They do once the router no longer forwards, and with /127
# So:       give no host the first address of a prefix, and no router a prefix that begins at a host's address

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 ping:iputils-ping sysctl:procps
enter

ip netns add router
ip netns add host
ip -n router link add name v0 type veth peer name v0 netns host
for node in router host; do
	ip -n $node link set dev lo up
	ip -n $node link set dev v0 up
done
ip -n host address add 2001:db8::/64 dev v0 nodad
ip -n router address add 2001:db8::1/64 dev v0 nodad

requests() { ip netns exec host awk '/^Icmp6InEchos / {print $2}' /proc/net/snmp6; }

# asked prints whether a ping by the router is answered, and how many requests the host got.
asked() {
	local before reply=silence
	before=$(requests)
	if ip netns exec router ping -c 1 -W 1 2001:db8:: >/dev/null; then reply=reply; fi
	echo "$reply, $(($(requests) - before)) at the host"
}
soon ip netns exec host ping -c 1 -W 1 2001:db8::1

expect "host" "$(asked)" "reply, 1 at the host"
ip netns exec router sysctl -qw net.ipv6.conf.all.forwarding=1
expect "router with /64" "$(asked)" "reply, 0 at the host"
ip -n router address delete 2001:db8::1/64 dev v0
ip -n router address add 2001:db8::1/127 dev v0 nodad
soon ip netns exec host ping -c 1 -W 1 2001:db8::1
expect "router with /127" "$(asked)" "reply, 1 at the host"
