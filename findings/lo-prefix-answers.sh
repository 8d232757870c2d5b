#!/usr/bin/env bash
# The address 192.0.2.1/24 on lo makes a node answer for all of 192.0.2.0/24; a request from there it answers to itself.
#
# Software: Linux; iproute2 6.1, iputils 20221126 (ping)
# Source:   fib_add_ifaddr() in net/ipv4/fib_frontend.c makes the whole prefix a local route if the device is a loopback;
#           fib_validate_source() there refuses one's own addresses as a source by inet_lookup_ifaddr_rcu(), which knows
#           192.0.2.1 alone (rp_filter 0)
# Guess:    as on every other link, and as in IPv6: one address is the node's own, the prefix only says what is near
# Seen:     192.0.2.9 answers, 2001:db8:2::9 does not. A request from a real 192.0.2.77 elsewhere is taken, and the reply
#           goes to the node itself; one from 192.0.2.1 is dropped on arrival
# So:       give lo addresses with /32

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 ping:iputils-ping sysctl:procps
enter

ip netns add a
ip netns add b
ip -n a link add name v0 type veth peer name v0 netns b
for node in a b; do
	ip -n $node link set dev lo up
	ip -n $node link set dev v0 up
done
ip -n a address add 198.18.0.1/30 dev v0
ip -n b address add 198.18.0.2/30 dev v0
ip -n a address add 2001:db8::1/64 dev v0 nodad
ip -n b address add 2001:db8::2/64 dev v0 nodad
ip -n a address add 192.0.2.1/24 dev lo
ip -n a address add 2001:db8:2::1/64 dev lo
ip -n b route add 192.0.2.0/24 via 198.18.0.1
ip -n b route add 2001:db8:2::/64 via 2001:db8::1

answers() { if ip netns exec b ping -c 1 -W 1 "$@" >/dev/null; then echo yes; else echo no; fi; }
expect "192.0.2.9 answers" "$(answers 192.0.2.9)" "yes"
expect "2001:db8:2::9 answers" "$(answers 2001:db8:2::9)" "no"
ip -n b address add 192.0.2.77/32 dev lo
ip -n b address add 192.0.2.1/32 dev lo

# counted ADDRESS counts the requests and replies that a gets when b asks from the address.
counted() {
	local before after
	before=$(received)
	ip netns exec b ping -c 1 -W 1 -I "$1" 198.18.0.1 >/dev/null || true
	after=$(received)
	echo "$((${after% *} - ${before% *})) request, $((${after#* } - ${before#* })) reply"
}
received() { ip netns exec a awk '/^Icmp: [0-9]/ {print $10, $11}' /proc/net/snmp; }

ip netns exec a sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.v0.rp_filter=0
expect "a gets of b as 198.18.0.2" "$(counted 198.18.0.2)" "1 request, 0 reply"
expect "a gets of b as 192.0.2.77" "$(counted 192.0.2.77)" "1 request, 1 reply"
expect "a gets of b as 192.0.2.1" "$(counted 192.0.2.1)" "0 request, 0 reply"
