#!/usr/bin/env bash
# A bridge that is not the root of its spanning tree shows the root's timers as its own, and a new value seems to be ignored.
#
# Software: Linux; iproute2 6.1
# Source:   br_fill_info() in net/bridge/br_netlink.c writes br->max_age, br->hello_time and br->forward_delay, which
#           br_record_config_timeout_values() in net/bridge/br_stp.c takes from the root's message; br_set_max_age() and
#           the like in br_stp_if.c write br->bridge_max_age, and the other only if the bridge is the root
# Guess:    what "ip link set … type bridge max_age 6" has set is what "ip -d link show" shows
# Seen:     on the other bridge max_age goes on being the root's 40 s; once it is the root itself it shows its own 6 s
# So:       do not compare these values with those that were set, unless the bridge is the root (its root port is 0)

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip netns add a
ip netns add b
ip -n a link add name br0 address 02:00:00:00:00:01 type bridge stp_state 1 forward_delay 200 max_age 4000
ip -n b link add name br0 address 02:00:00:00:00:02 type bridge stp_state 1 forward_delay 200 max_age 2000
ip -n a link add name p0 type veth peer name p0 netns b
for node in a b; do
	ip -n $node link set dev p0 master br0 up
	ip -n $node link set dev br0 up
done

timers() { ip -n "$1" -d link show dev br0 | grep -oE 'max_age [0-9]+' ; }
root() { ip netns exec "$1" cat /sys/class/net/br0/bridge/root_id; }
follows() { [ "$(timers b)" = "max_age 4000" ]; }

soon follows
expect "root that b sees" "$(root b)" "8000.020000000001"
expect "b has been given 2000 and shows" "$(timers b)" "max_age 4000"
ip -n b link set dev br0 type bridge max_age 600
expect "b has been given 600 and shows" "$(timers b)" "max_age 4000"

ip -n b link set dev p0 down
ip -n b link set dev br0 down
ip -n b link set dev br0 up
expect "b as the root shows" "$(timers b)" "max_age 600"
