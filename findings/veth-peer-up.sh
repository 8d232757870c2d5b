#!/usr/bin/env bash
# A veth pair can be created with its first end up, and not with its second.
#
# Software: Linux; iproute2 6.1
# Source:   veth_newlink() in drivers/net/veth.c sets the flags of the peer before either end knows the other, so
#           veth_open() has no peer and returns ENOTCONN; the first end's flags are set after veth_newlink()
# Guess:    the two ends of a pair are alike
# Seen:     "up" before "type veth" works; "up" after "peer" is "Transport endpoint is not connected", and neither
#           end is created
# So:       create first, then set up

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

flags_of() { ip -o link show dev "$1" 2>&1 | grep -o '[<,]UP[,>]' || echo none; }

echo '$ ip link add name a0 up type veth peer name a1'
ip link add name a0 up type veth peer name a1
expect "flag of a0" "$(flags_of a0)" ",UP,"

echo '$ ip link add name b0 type veth peer name b1 up'
answer=$(ip link add name b0 type veth peer name b1 up 2>&1) && answer="no error"
expect "answer" "$answer" "RTNETLINK answers: Transport endpoint is not connected"
expect "links named b0 or b1" "$(ip -o link show | grep -c ' b[01]@' || true)" 0
