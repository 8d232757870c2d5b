#!/usr/bin/env bash
# Deleting the IPv4 route with metric 0 deletes one with another metric if there is no such route.
#
# Software: Linux; iproute2 6.1
# Source:   fib_table_delete() in net/ipv4/fib_trie.c asks fib_find_alias() for a priority only if one was given: a
#           RTA_PRIORITY of 0 is no priority, though 0 is the metric that an IPv4 route has by default
# Guess:    "No such process", as for every other metric that no route has
# Seen:     "metric 0" deletes the route with metric 50, then that with metric 60; "metric 70" is refused. In IPv6 the same:
#           a metric of 0 stands for any
# So:       deleting a default-metric route that is already gone takes a neighbour with a metric along: look before, and
#           name gateway and protocol in the request

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip link add name link0 type veth peer name link1
ip link set dev link0 up
ip link set dev link1 up
ip address add 192.0.2.1/24 dev link0

metrics() { ip route show 198.51.100.0/24 | grep -oE 'metric [0-9]+' | paste -sd' '; }
attempt() { "$@" 2>/dev/null && echo 0 || echo $?; }

ip route add 198.51.100.0/24 via 192.0.2.2 metric 50
ip route add 198.51.100.0/24 via 192.0.2.2 metric 60
expect "delete metric 70, exit code" "$(attempt ip route delete 198.51.100.0/24 via 192.0.2.2 metric 70)" 2
expect "left" "$(metrics)" "metric 50 metric 60"
expect "delete metric 0, exit code" "$(attempt ip route delete 198.51.100.0/24 via 192.0.2.2 metric 0)" 0
expect "left" "$(metrics)" "metric 60"
expect "delete metric 0, exit code" "$(attempt ip route delete 198.51.100.0/24 via 192.0.2.2 metric 0)" 0
expect "left" "$(metrics)" ""
