#!/usr/bin/env bash
# Deleting the queue below a tbf does not bring tbf's own back: it drops every packet, and tc shows it as before.
#
# Software: Linux; iproute2 6.1 (tc), iputils 20221126 (ping)
# Source:   tbf_graft() in net/sched/sch_tbf.c puts noop_qdisc where there is no new queue; tbf_init() and tbf_change()
#           are what make the first-in first-out one
# Guess:    "tc qdisc del" undoes "tc qdisc add", as it does at the root, where the kernel's default comes back
# Seen:     after adding and deleting a pfifo below it, "tc qdisc show" prints the same line as before, and no packet
#           passes; "tc qdisc replace" with the same rate makes it pass again
# So:       to take a queue out from under a shaper, replace the shaper

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 tc:iproute2 ping:iputils-ping
enter

ip netns add left
ip netns add right
ip -n left link add name v0 type veth peer name v0 netns right
ip -n left address add 192.0.2.1/24 dev v0
ip -n right address add 192.0.2.2/24 dev v0
ip -n left link set dev v0 up
ip -n right link set dev v0 up

left_tc() { ip netns exec left tc "$@"; }
answers() { ip netns exec left ping -c 1 -W 1 192.0.2.2; }
loss() { { answers || true; } | grep -o '[0-9]*% packet loss'; }
shaper() { left_tc qdisc replace dev v0 root handle 1: tbf rate 10mbit burst 10k latency 50ms; }

soon answers
shaper 2>"$FINDING_DIR/refused" || cannot "$(cat "$FINDING_DIR/refused")"
expect "tbf" "$(loss)" "0% packet loss"
shown=$(left_tc qdisc show dev v0)
left_tc qdisc add dev v0 parent 1:1 handle 10: pfifo limit 100
expect "tbf with a pfifo below" "$(loss)" "0% packet loss"

echo '$ tc qdisc del dev v0 parent 1:1'
left_tc qdisc del dev v0 parent 1:1
expect "tc qdisc show" "$(left_tc qdisc show dev v0)" "$shown"
expect "tbf after that" "$(loss)" "100% packet loss"
shaper
expect "tbf replaced by the same" "$(loss)" "0% packet loss"
