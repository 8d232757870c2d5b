#!/usr/bin/env bash
# Over equal paths a ping takes another next hop than a ping that is bound to the source address it uses anyway.
#
# Software: Linux; iproute2 6.1, iputils 20221126 (ping)
# Source:   fib_select_path() in net/ipv4/fib_semantics.c chooses the path by a hash of source and destination, and only
#           then fills in the source of a packet that has none; ip_route_connect() in include/net/route.h looks a second
#           time with it for a TCP connection. IPv6's ip6_dst_lookup_tail() chooses before, too
# Guess:    with hash policy 0, packets between two addresses take one path
# Seen:     of 10 destinations, "ping" and "ping -I SOURCE" ask different next hops for about half; TCP always asks the
#           same as "ping -I SOURCE"; "ip route get" agrees with each if it is given "from" or not
# So:       bind a ping that shall go TCP's way, and look paths up with the source

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 sysctl:procps ping:iputils-ping
enter

for n in 1 2; do
	ip link add name path$n type veth peer name hop$n
	ip link set dev path$n up
	ip link set dev hop$n up
	ip address add 198.18.$n.1/24 dev path$n
done
ip address add 192.0.2.1/32 dev lo
ip route add 198.51.100.0/24 src 192.0.2.1 nexthop via 198.18.1.2 nexthop via 198.18.2.2
expect "policy" "$(sysctl -n net.ipv4.fib_multipath_hash_policy)" 0
expect "source of a ping" "$(ip route get 198.51.100.1 | grep -o 'src [0-9.]*')" "src 192.0.2.1"

path() { ip route get "$@" ipproto icmp | grep -o 'dev path.'; }

# asked COMMAND... prints the path on which the command makes the kernel look for the next hop's MAC.
asked() {
	ip neigh flush all
	timeout 0.3 "$@" >/dev/null 2>&1 || true
	ip neigh show | sed -n 's/^198[.0-9]* \(dev path.\) .*/\1/p'
}

differ=0 wrong=0 tcp=0
for i in {1..10}; do
	to=198.51.100.$i
	unbound=$(asked ping -c 1 "$to") bound=$(asked ping -c 1 -I 192.0.2.1 "$to")
	[ "$unbound" = "$bound" ] || differ=$((differ + 1))
	[ "$unbound" = "$(path "$to")" ] || wrong=$((wrong + 1))
	[ "$bound" = "$(path "$to" from 192.0.2.1)" ] || wrong=$((wrong + 1))
	[ "$(asked bash -c "echo >/dev/tcp/$to/7")" = "$bound" ] || tcp=$((tcp + 1))
done
echo "bound to the same source, $differ of 10 pings take another path"
expect "there are such" "$((differ > 0))" 1
expect "pings that do not take the path that was looked up" "$wrong" 0
expect "TCP connections that do not take the bound ping's path" "$tcp" 0
