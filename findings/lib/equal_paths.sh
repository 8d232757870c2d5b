# shellcheck shell=bash
# Sourced by findings about a path MTU over equal paths.

# equal_paths COUNT makes a sender with two equal IPv6 paths, over the nodes left and right, to 2001:db8:f::1 and so on
# at the node target. The last link of each path has an MTU of 1300. Flow labels are off: they are hashed, too.
equal_paths() {
	local node n=1 i link
	for node in sender left right target; do
		ip netns add $node
		ip -n $node link set dev lo up
		ip netns exec $node sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.auto_flowlabels=0
	done
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
	for ((i = 1; i <= $1; i++)); do ip -n target address add 2001:db8:f::$i/128 dev lo nodad; done
	for n in 1 2; do # an address is found a while after it is added
		soon ip netns exec sender ping -c 1 -W 1 2001:db8:$n::2
		soon ip netns exec target ping -c 1 -W 1 2001:db8:1$n::2
	done
}
