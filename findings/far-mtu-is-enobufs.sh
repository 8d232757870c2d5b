#!/usr/bin/env bash
# A packet too large for the other end of a veth pair is lost without an error, or is "No buffer space available".
#
# Software: Linux; iproute2 6.1, Python 3.11
# Source:   veth_xmit() in drivers/net/veth.c returns NET_XMIT_DROP if the other end does not take the packet
#           (is_skb_forwardable() in net/core/dev.c); ip_send_skb() and ip6_send_skb() make ENOBUFS of it, and
#           udp_send_skb() drops that error unless the socket has IP_RECVERR or IPV6_RECVERR
# Guess:    "Message too long", as for a packet too large for the near end
# Seen:     1,400 bytes to an end of MTU 1300: sent, says a plain socket; ENOBUFS with IP_RECVERR, which ping sets. The
#           near end counts them as dropped. With the near end at 1300, and not to be fragmented, they are EMSGSIZE
# So:       ENOBUFS over veth may mean the other end's MTU, not only memory or a full neighbour table

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 python3:python3
enter

ip netns add far
ip link add name link type veth peer name link netns far
ip link set dev link up
ip -n far link set dev link up
ip address add 192.0.2.1/24 dev link
ip address add 2001:db8::1/64 dev link nodad
ip -n far address add 192.0.2.2/24 dev link
ip -n far address add 2001:db8::2/64 dev link nodad

# send ADDRESS [OPTION]: 1,400 bytes over UDP.
send() {
	python3 -c '
import socket, sys
address, options = sys.argv[1], sys.argv[2:]
six = ":" in address
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
numbers = {"recverr": (25 if six else 11, 1), "probe": (23 if six else 10, 3)}
for option in options:
    s.setsockopt(level, *numbers[option])
try:
    s.sendto(bytes(1400), (address, 9))
    print("sent")
except OSError as e:
    print(e.strerror)' "$@"
}
dropped() { ip -s -j link show dev link | grep -o '"tx":{[^}]*' | grep -o '"dropped":[0-9]*' | cut -d: -f2; }

for address in 192.0.2.2 2001:db8::2; do
	send "$address" >/dev/null
	soon ip neigh get "$address" dev link
	ip -n far link set dev link mtu 1300
	before=$(dropped)
	expect "$address, far end 1300" "$(send "$address")" "sent"
	expect "$address, far end 1300, with RECVERR" "$(send "$address" recverr)" "No buffer space available"
	expect "dropped by the near end" "$(($(dropped) - before))" 2
	ip -n far link set dev link mtu 1500
	ip link set dev link mtu 1300
	expect "$address, near end 1300" "$(send "$address" probe recverr)" "Message too long"
	ip link set dev link mtu 1500
done
