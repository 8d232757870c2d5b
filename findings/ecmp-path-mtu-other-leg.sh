#!/usr/bin/env bash
# Over equal IPv6 paths some destinations never get a packet larger than the path's MTU, however often the sender is told it.
#
# Software: Linux; iproute2 6.1, iputils 20221126 (ping)
# Source:   ip6_update_pmtu() in net/ipv6/route.c looks up the route of the packet that was too big without its next header,
#           which rt6_multipath_hash() there takes part in; the learnt MTU is kept with the next hop so found, not with
#           the one that the packet took (policy 0; each next hop has its own table of exceptions)
# Guess:    the first large packet is lost, and the next ones are fragmented, as over one path
# Seen:     over one path all of 16 destinations answer a ping of 1400 bytes at the second try. Over two equal ones some never
#           do, though all answer a small ping
# So:       give equal paths equal MTUs; a path MTU that is not obeyed is no packet filter

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 ping:iputils-ping sysctl:procps
enter

for node in sender left right target; do
	ip netns add $node
	ip -n $node link set dev lo up
	ip netns exec $node sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.auto_flowlabels=0
done
n=1
for node in left right; do
	ip -n sender link add name $node type veth peer name in netns $node
	ip -n target link add name $node mtu 1300 type veth peer name out mtu 1300 netns $node
	for link in "sender $node" "target $node" "$node in" "$node out"; do ip -n ${link% *} link set dev ${link#* } up; done
	ip -n sender address add 2001:db8:$n::1/64 dev $node nodad
	ip -n $node address add 2001:db8:$n::2/64 dev in nodad
	ip -n $node address add 2001:db8:1$n::2/64 dev out nodad
	ip -n target address add 2001:db8:1$n::1/64 dev $node nodad
	ip -n $node route add 2001:db8:f::/64 via 2001:db8:1$n::1
	ip -n $node route add 2001:db8:a::/64 via 2001:db8:$n::1
	n=$((n + 1))
done
ip -n sender address add 2001:db8:a::1/64 dev lo nodad
ip -n sender route add 2001:db8:f::/64 src 2001:db8:a::1 nexthop via 2001:db8:1::2 nexthop via 2001:db8:2::2
ip -n target route add 2001:db8:a::/64 nexthop via 2001:db8:11::2 nexthop via 2001:db8:12::2
for i in {1..16}; do ip -n target address add 2001:db8:f::$i/128 dev lo nodad; done

# silent SIZE prints which destinations answer none of five pings.
silent() {
	local i
	for i in {1..16}; do
		{ ip netns exec sender ping -c 5 -i 0.2 -W 1 -s "$1" 2001:db8:f::$i >/dev/null 2>&1 || echo $i; } &
	done
	wait
}
count() { wc -w <<<"$1"; }
over() { ip -n sender route replace 2001:db8:f::/64 src 2001:db8:a::1 "$@"; ip -n sender -6 route flush cache; }

over via 2001:db8:1::2
soon ip netns exec sender ping -c 1 -W 1 2001:db8:f::1
expect "one path, 1400 bytes: silent" "$(count "$(silent 1400)")" 0
over nexthop via 2001:db8:1::2 nexthop via 2001:db8:2::2
ip netns exec sender ping -c 1 -W 1 2001:db8:2::2 >/dev/null
expect "two paths, 56 bytes: silent" "$(count "$(silent 56)")" 0
seen=$(silent 1400)
echo "two paths, 1400 bytes: silent: $(count "$seen")"
expect "there are such" "$((0 < $(count "$seen")))" 1
