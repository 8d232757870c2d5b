#!/usr/bin/env bash
# With multipath hash policy 1 a router behind a veth link hashes no ports: it takes the random number of the sender's socket.
#
# Software: Linux; iproute2 6.1, Python 3.11
# Source:   fib_multipath_hash() in net/ipv4/route.c and rt6_multipath_hash() in net/ipv6/route.c return skb->hash if the packet
#           has one of layer 4. skb_set_hash_from_sk() in include/net/sock.h sets it from sk_txhash, which a connected socket
#           draws by chance, and skb_scrub_packet() leaves it when the packet goes to another namespace
# Guess:    packets with the same addresses and ports go the same way, that of "ip route get … sport … dport"
# Seen:     of 32 UDP sockets that are connected from one port to the same address and port some go each way, in both families;
#           of 32 that are not connected all go the way of the look-up
# So:       in a lab of one kernel a path under policy 1 cannot be looked up for a connection, and a new connection may change it

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 sysctl:procps python3:python3-minimal
enter

ip netns add sender
ip netns add router
ip -n router link add name in type veth peer name v0 netns sender
for n in 1 2; do ip -n router link add name path$n address 02:00:00:00:00:1$n type veth peer name far$n; done
for link in in path1 path2; do ip -n router link set dev $link up; done
for link in far1 far2; do ip -n router link set dev $link up; done
ip -n sender link set dev v0 up
ip netns exec router sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1 net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1
ip -n sender address add 198.18.0.1/24 dev v0
ip -n sender address add 2001:db8::1/64 dev v0 nodad
ip -n router address add 198.18.0.2/24 dev in
ip -n router address add 2001:db8::2/64 dev in nodad
for n in 1 2; do
	ip -n router address add 198.18.$n.1/24 dev path$n
	ip -n router address add 2001:db8:$n::1/64 dev path$n nodad
	ip -n router neigh add 198.18.$n.2 lladdr 02:00:00:00:00:2$n dev path$n
	ip -n router neigh add 2001:db8:$n::2 lladdr 02:00:00:00:00:2$n dev path$n
done
ip -n sender route add default via 198.18.0.2
ip -n sender route add default via 2001:db8::2
ip -n router route add 198.51.100.0/24 nexthop via 198.18.1.2 nexthop via 198.18.2.2
ip -n router route add 2001:db8:f::/64 nexthop via 2001:db8:1::2 nexthop via 2001:db8:2::2

# send ADDRESS CONNECTED sends 32 datagrams, each from a new socket with the same port.
send() {
	ip netns exec sender python3 - "$1" "$2" <<'EOF'
import socket, sys
for _ in range(32):
    with socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", 40000))
        if sys.argv[2] == "connected":
            s.connect((sys.argv[1], 9))
            s.send(b"x" * 100)
        else:
            s.sendto(b"x" * 100, (sys.argv[1], 9))
EOF
}
sent() { ip -n router -s link show dev "$1" | awk '/TX:/ {getline; print $2}'; }

# ways ADDRESS CONNECTED prints the paths that packets took. Up to four are the kernel's own (neighbour and multicast discovery).
ways() {
	local before=("$(sent path1)" "$(sent path2)") n ways=
	send "$@"
	for n in 1 2; do
		if (($(sent path$n) - before[n - 1] > 4)); then ways+=" path$n"; fi
	done
	echo "dev$ways"
}
path() { ip -n router route get "$1" from "$2" iif in ipproto udp sport 40000 dport 9 | grep -o 'dev path.'; }

expect "IPv4, connected" "$(ways 198.51.100.1 connected)" "dev path1 path2"
expect "IPv4, not connected" "$(ways 198.51.100.1 not)" "$(path 198.51.100.1 198.18.0.1)"
expect "IPv6, connected" "$(ways 2001:db8:f::1 connected)" "dev path1 path2"
expect "IPv6, not connected" "$(ways 2001:db8:f::1 not)" "$(path 2001:db8:f::1 2001:db8::1)"
