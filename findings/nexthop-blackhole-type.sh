#!/usr/bin/env bash
# A route through a next-hop object that is a blackhole is listed as "blackhole", and cannot be deleted as one.
#
# Software: Linux; iproute2 6.1
# Source:   fib_dump_info() in net/ipv4/fib_semantics.c writes RTN_BLACKHOLE for such a route, whose own type stays unicast;
#           fib_table_delete() in net/ipv4/fib_trie.c compares the type of the request with the route's own
# Guess:    what "ip route show" prints can be given to "ip route delete"
# Seen:     "delete blackhole 203.0.113.0/24" is "No such process", without the type it works
# So:       delete a route that has a next-hop ID without its type

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip nexthop add id 9 blackhole
ip route add 203.0.113.0/24 nhid 9
attempt() { "$@" 2>/dev/null && echo 0 || echo $?; }
expect "listed" "$(ip route show 203.0.113.0/24 | cut -d' ' -f1,2)" "blackhole 203.0.113.0/24"
expect "delete blackhole, exit code" "$(attempt ip route delete blackhole 203.0.113.0/24)" 2
expect "delete, exit code" "$(attempt ip route delete 203.0.113.0/24)" 0
expect "left" "$(ip route show 203.0.113.0/24)" ""
