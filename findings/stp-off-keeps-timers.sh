#!/usr/bin/env bash
# A bridge port that waits for the spanning tree goes on waiting after the spanning tree is turned off.
#
# Software: Linux; iproute2 6.1
# Source:   br_stp_stop() in net/bridge/br_stp_if.c only changes the bridge's own setting; the ports keep state and
#           timer, and br_forward_delay_timer_expired() takes a port through learning to forwarding
# Guess:    without a spanning tree every port forwards, as it does on a bridge that never had one
# Seen:     the port is listening, then learning, and forwards after twice the forward delay (15 s each by default);
#           it drops frames until then. A port that is set up after the tree was turned off forwards at once
# So:       turn the tree off before the ports come up, or set the port down and up

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 bridge:iproute2
enter

state() { bridge link show dev v0 | grep -o 'state [a-z]*'; }
is() { [ "$(state)" = "state $1" ]; }
now() { echo $((${EPOCHREALTIME/./} / 1000)); }

ip link add name bridge0 type bridge stp_state 1 forward_delay 400 2>"$FINDING_DIR/refused" ||
	cannot "$(cat "$FINDING_DIR/refused")"
ip link set dev bridge0 up
ip link add name v0 type veth peer name v1
ip link set dev v1 up
ip link set dev v0 master bridge0 up
soon is listening

echo '$ ip link set dev bridge0 type bridge stp_state 0'
ip link set dev bridge0 type bridge stp_state 0
expect "no tree" "$(ip -d link show dev bridge0 | grep -o 'stp_state .')" "stp_state 0"
start=$(now)
expect "port" "$(state)" "state listening"
soon is learning
echo "learning after $(($(now) - start)) ms"
soon is forwarding
took=$(($(now) - start))
echo "forwarding after $took ms"
expect "that is more than one forward delay (4 s)" "$((took > 4000))" 1

ip link set dev v0 down
ip link set dev v0 up
start=$(now)
soon is forwarding
took=$(($(now) - start))
echo "set down and up: forwarding after $took ms"
expect "that is less than one forward delay" "$((took < 4000))" 1
