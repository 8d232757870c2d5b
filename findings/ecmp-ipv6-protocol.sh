#!/usr/bin/env bash
# With multipath hash policy 0, "layer 3", IPv6 hashes the protocol, too: a ping takes one path, TCP another.
#
# Software: Linux; iproute2 6.1, iputils 20221126 (ping)
# Source:   rt6_multipath_hash() in net/ipv6/route.c hashes source, destination, flow label and next header;
#           fib_multipath_hash() in net/ipv4/route.c hashes source and destination. ip-sysctl.rst names no protocol
# Guess:    by default the protocol has no say, so that a ping proves TCP's path
# Seen:     of 32 look-ups for IPv4 none depends on the protocol, for IPv6 about half do; ping and TCP connections go
#           the ways that their look-ups say. "ip route get" without ipproto asks for protocol 0, which is neither's
# So:       name the protocol when looking up a path

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 sysctl:procps ping:iputils-ping
enter

for n in 1 2; do
	ip link add name path$n type veth peer name hop$n
	ip link set dev path$n up
	ip link set dev hop$n up
	ip address add 198.18.$n.1/24 dev path$n
	ip address add 2001:db8:$n::1/64 dev path$n nodad
done
ip route add 198.51.100.0/24 nexthop via 198.18.1.2 nexthop via 198.18.2.2
ip route add 2001:db8:f::/64 nexthop via 2001:db8:1::2 nexthop via 2001:db8:2::2
expect "policies" "$(sysctl -n net.ipv4.fib_multipath_hash_policy net.ipv6.fib_multipath_hash_policy | xargs)" "0 0"

path() { ip route get "$@" | grep -o -m1 'dev path.'; }

# differing PREFIX ICMP counts destinations whose path is another for TCP, and for no protocol, than for ICMP.
differing() {
	local tcp=0 none=0 i icmp
	for i in {1..32}; do
		icmp=$(path "$1$i" ipproto "$2")
		[ "$(path "$1$i" ipproto tcp)" = "$icmp" ] || tcp=$((tcp + 1))
		[ "$(path "$1$i")" = "$icmp" ] || none=$((none + 1))
	done
	echo "$tcp with TCP, $none without a protocol"
}

expect "IPv4: other than ICMP's way" "$(differing 198.51.100. icmp)" "0 with TCP, 0 without a protocol"
seen=$(differing 2001:db8:f:: ipv6-icmp)
echo "IPv6: other than ICMP's way: $seen"
expect "IPv6 has such destinations" "$(grep -c '^[1-9][0-9]* with TCP, [1-9]' <<<"$seen" || true)" 1

# asked COMMAND... prints the path on which the command makes the kernel look for the next hop's MAC.
asked() {
	ip -6 neigh flush all
	timeout 1 "$@" >/dev/null 2>&1 || true
	ip -6 neigh show | sed -n 's/^2001:db8:.::2 \(dev path.\) .*/\1/p'
}

i=1
while [ "$(path 2001:db8:f::$i ipproto tcp)" = "$(path 2001:db8:f::$i ipproto ipv6-icmp)" ]; do i=$((i + 1)); done
echo_path=$(asked ping -c 1 2001:db8:f::$i) tcp_path=$(asked bash -c "echo >/dev/tcp/2001:db8:f::$i/7")
expect "ping to 2001:db8:f::$i takes" "$echo_path" "$(path 2001:db8:f::$i ipproto ipv6-icmp)"
expect "TCP to 2001:db8:f::$i takes" "$tcp_path" "$(path 2001:db8:f::$i ipproto tcp)"
