#!/usr/bin/env bash
# A proxy ARP reply takes up to 0.8 s: the kernel delays it by a random time, an own address is answered at once.
#
# Software: Linux; iproute2 6.1, iputils 20221126 (ping)
# Source:   arp_process() in net/ipv4/arp.c hands a request for an address of others to pneigh_enqueue(), which waits a random
#           part of net.ipv4.neigh.*.proxy_delay (80/100 s), unless that is 0
# Guess:    as fast as every other ARP reply
# Seen:     of twelve first pings through a proxy the slowest takes more than 100 ms, and all of them some ms with
#           proxy_delay 0
# So:       a first ping with a short timeout fails now and then behind a proxy; set proxy_delay to 0 in a lab

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 ping:iputils-ping sysctl:procps
enter

ip netns add proxy
ip netns add host
ip link add name near type veth peer name near netns proxy
ip -n proxy link add name far type veth peer name far netns host
ip -n proxy link set dev near up
ip -n proxy link set dev far up
ip -n host link set dev far up
ip link set dev near up
ip address add 192.0.2.1/24 dev near
ip route add 198.51.100.0/24 dev near
ip -n proxy address add 192.0.2.2/24 dev near
ip -n proxy address add 198.51.100.254/24 dev far
ip -n host address add 198.51.100.1/24 dev far
ip -n host route add default via 198.51.100.254
ip netns exec proxy sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.near.proxy_arp=1
soon ping -n -c 1 -W 3 198.51.100.1

# slowest prints the worst of twelve first pings, in ms.
slowest() {
	for _ in {1..12}; do
		ip neigh flush dev near
		ping -n -c 1 -W 3 198.51.100.1 | sed -n 's/.*time=\([0-9]*\).*/\1/p'
	done | sort -n | tail -n 1
}

delayed=$(slowest)
ip netns exec proxy sysctl -q -w net.ipv4.neigh.near.proxy_delay=0
prompt=$(slowest)
echo "slowest of twelve: $delayed ms, with proxy_delay 0 $prompt ms"
expect "more than 100 ms" "$((delayed > 100))" 1
expect "less than half of that with proxy_delay 0" "$((prompt < delayed / 2))" 1
