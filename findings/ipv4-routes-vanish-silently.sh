#!/usr/bin/env bash
# A link that goes down takes its IPv4 routes along without an event; of its IPv6 routes each has one.
#
# Software: Linux; iproute2 6.1 (ip monitor)
# Source:   fib_disable_ip() in net/ipv4/fib_frontend.c marks the routes dead, and fib_table_flush() in
#           net/ipv4/fib_trie.c frees them without rtmsg_fib(); fib6_ifdown() in net/ipv6/route.c ends in inet6_rt_notify()
# Guess:    every route that disappears is announced with RTM_DELROUTE
# Seen:     after "ip link set down" both families have lost the route; only the IPv6 one was announced. Deleting the
#           IPv4 route by hand is announced
# So:       a program that mirrors routes has to listen to links, too, and work out which routes went

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip link add name v0 type veth peer name v1
ip link set dev v1 up
ip link add name other type veth peer name end
ip link set dev end up
ip link set dev other up
ip address add 198.18.0.1/24 dev other
ip monitor route >>"$FINDING_DIR/events" &

# catch_up returns once a route made now was announced: all that was announced before has arrived, too.
mark=0
mark() {
	mark=$((mark + 1))
	ip route add 198.51.100.0/24 dev other metric $mark
}
arrived() { grep -q "^198.51.100.0/24 dev other .*metric $mark " "$FINDING_DIR/events"; }
catch_up() {
	mark
	soon arrived
}
subscribed() {
	mark
	sleep 0.1
	arrived
}

# announced FAMILY PREFIX COUNT expects so many deletions of the route.
announced() {
	catch_up
	expect "deletions announced, $1" "$(grep -c "^Deleted $2" "$FINDING_DIR/events" || true)" "$3"
}

# routes makes a route of each family over v0.
routes() {
	ip link set dev v0 up
	ip address replace 192.0.2.1/24 dev v0
	ip -6 address replace 2001:db8::1/64 dev v0 nodad
	soon ip route replace 203.0.113.0/24 via 192.0.2.9
	soon ip route replace 2001:db8:9::/64 via 2001:db8::9
	catch_up
	: >"$FINDING_DIR/events"
}

soon subscribed
routes
echo '$ ip link set dev v0 down'
ip link set dev v0 down
expect "IPv4 routes" "$(ip route show 203.0.113.0/24)" ""
expect "IPv6 routes" "$(ip -6 route show 2001:db8:9::/64)" ""
announced IPv4 203.0.113.0/24 0
announced IPv6 2001:db8:9::/64 1

routes
echo '$ ip route del 203.0.113.0/24'
ip route del 203.0.113.0/24
announced IPv4 203.0.113.0/24 1
