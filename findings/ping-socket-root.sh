#!/usr/bin/env bash
# In a new network namespace root may open a raw socket, and not the ping socket that is meant for ordinary users.
#
# Software: Linux; Python 3.11
# Source:   ping_init_sock() in net/ipv4/ping.c compares groups with net.ipv4.ping_group_range and asks for no
#           capability; inet_init_net() in net/ipv4/af_inet.c gives a namespace the empty range "1 0", for IPv6 as well
# Guess:    what an unprivileged user may do on the host, root may do in a namespace
# Seen:     SOCK_DGRAM with ICMP and with ICMPv6 is "Permission denied" for root with every capability; SOCK_RAW works
# So:       a program that prefers ping sockets needs raw ones as well, or the sysctl

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 python3:python3-minimal sysctl:procps
enter

# opens TYPE FAMILY PROTOCOL
opens() {
	python3 -c "
import socket
try:
    socket.socket(socket.$2, socket.$1, socket.$3)
    print('opens')
except OSError as error:
    print(error.strerror)"
}

expect "user" "$(id -u)" 0
expect "raw socket, ICMP" "$(opens SOCK_RAW AF_INET IPPROTO_ICMP)" "opens"
expect "ping socket, ICMP" "$(opens SOCK_DGRAM AF_INET IPPROTO_ICMP)" "Permission denied"
expect "ping socket, ICMPv6" "$(opens SOCK_DGRAM AF_INET6 IPPROTO_ICMPV6)" "Permission denied"
echo '$ sysctl -w net.ipv4.ping_group_range="0 0"'
sysctl -qw net.ipv4.ping_group_range="0 0"
expect "ping socket, ICMPv6" "$(opens SOCK_DGRAM AF_INET6 IPPROTO_ICMPV6)" "opens"
