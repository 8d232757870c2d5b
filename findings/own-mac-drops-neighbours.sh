#!/usr/bin/env bash
# Giving a link the MAC it already has deletes its neighbours, the permanent ones included.
#
# Software: Linux; iproute2 6.1
# Source:   netif_set_mac_address() in net/core/dev.c sends NETDEV_CHANGEADDR whatever the address, and
#           neigh_changeaddr() in net/core/neighbour.c flushes the link's table; a lost carrier calls
#           neigh_carrier_down(), which keeps permanent entries
# Guess:    writing the value that is there does nothing, and only "ip neigh del" removes a permanent entry
# Seen:     after "ip link set address" with the same MAC the entry is gone; the same MTU and a lost carrier leave it
# So:       a tool that writes its settings again at every run breaks static ARP

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip link add name v0 address 02:00:00:00:00:01 type veth peer name v1
ip link set dev v0 up
ip link set dev v1 up
ip address add 192.0.2.1/24 dev v0
entry() { ip neigh show dev v0 nud permanent | grep 192.0.2.9 | xargs || true; }
ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v0 nud permanent
there="192.0.2.9 lladdr 02:00:00:00:00:09 PERMANENT"

ip link set dev v0 mtu 1500
expect "after the MTU it has" "$(entry)" "$there"
ip link set dev v1 down
soon sh -c 'ip link show dev v0 | grep -q NO-CARRIER'
expect "after losing the carrier" "$(entry)" "$there"
ip link set dev v1 up
ip link set dev v0 address 02:00:00:00:00:01
expect "after the MAC it has" "$(entry)" ""
