#!/usr/bin/env bash
# A veth end learns of its lost carrier up to a second late if both ends happen to have the same ifindex.
#
# Software: Linux; iproute2 6.1
# Source:   linkwatch_urgent_event() in net/core/link_watch.c takes a link whose ifindex is that of its lower link
#           (dev_get_iflink()) for a physical one, whose events it limits to one per second; the ends of a veth pair
#           in two namespaces can have the same number. rtnl_getlink() makes up for what is due, the dump does not
# Guess:    numbers of two namespaces have nothing to do with each other, and asking for a link changes nothing
# Seen:     with different numbers the loss shows at once; with equal ones "ip link" lists the link as UP for up to a
#           second, until "ip link show dev" asks for that link alone, after which the list is right, too
# So:       the first pair between two new namespaces is slow: both ends have number 2

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip netns add near
ip netns add far
ip -n near link add name same type veth peer name same netns far
ip -n near link add name other index 80 type veth peer name other index 81 netns far
expect "first pair" "$(ip -n near -o link show dev same | grep -o '^.*same@[^:]*')" "2: same@if2"

listed() { ip -n near -o link show | grep " $1@" | grep -o 'state [A-Z]*'; }
alone() { ip -n near -o link show dev "$1" | grep -o 'state [A-Z]*'; }
is_down() { [ "$(listed "$1")" = "state DOWN" ]; }

# connect LINK sets both ends up and waits until that is known.
connect() {
	ip -n near link set dev "$1" up
	ip -n far link set dev "$1" up
	alone "$1" >/dev/null
}

# slowest LINK prints the milliseconds for which the worst of five losses was not listed.
slowest() {
	local start took worst=0
	for _ in {1..5}; do
		connect "$1"
		start=${EPOCHREALTIME/./}
		ip -n far link set dev "$1" down
		until is_down "$1"; do :; done
		took=$(((${EPOCHREALTIME/./} - start) / 1000))
		worst=$((took > worst ? took : worst))
	done
	echo "$worst"
}

# ask lists links, asks for one, and lists them again, at a loss that the first list misses.
ask() {
	connect same
	ip -n far link set dev same down
	before=$(listed same) answer=$(alone same) after=$(listed same)
	[ "$before" = "state UP" ]
}

different=$(slowest other) equal=$(slowest same)
echo "slowest of five: different numbers $different ms, equal numbers $equal ms"
expect "equal numbers are at least 400 ms slower" "$((equal - different >= 400))" 1

before="" answer="" after=""
soon ask
expect "ip link" "$before" "state UP"
expect "ip link show dev same" "$answer" "state DOWN"
expect "ip link" "$after" "state DOWN"
