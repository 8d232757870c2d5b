#!/usr/bin/env bash
# "ip -d link show" gives a bridge's own id as its designated root, whichever bridge is the root.
#
# Software: iproute2 6.1; Linux
# Source:   bridge_print_opt() in ip/iplink_bridge.c reads IFLA_BR_BRIDGE_ID for both (mended upstream since); IFLA_BR_ROOT_ID and
#           the file root_id in sysfs are right
# Guess:    designated_root differs from bridge_id on every bridge but the root
# Seen:     they are equal on both bridges; on the one that is not the root, sysfs has the other's id, and root_port is 1
# So:       ask for the root port (0 on the root), or read sysfs

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

for n in 1 2; do
	ip netns add sw$n
	ip -n sw$n link add name br0 address 02:00:00:00:00:0$n type bridge stp_state 1 forward_delay 200
done
ip -n sw1 link add name p0 type veth peer name p0 netns sw2
for n in 1 2; do
	ip -n sw$n link set dev p0 master br0 up
	ip -n sw$n link set dev br0 up
done

shown() { ip -n sw2 -d link show dev br0 | grep -oE "$1 [0-9a-f.:]+"; }
kernels() { ip netns exec sw2 cat /sys/class/net/br0/bridge/root_id; }
soon sh -c "ip -n sw2 -d link show dev br0 | grep -q 'root_port 1'"
expect "sw2, by ip" "$(shown bridge_id) $(shown designated_root)" "bridge_id 8000.2:0:0:0:0:2 designated_root 8000.2:0:0:0:0:2"
expect "sw2, by sysfs" "$(kernels)" "8000.020000000001"
