#!/usr/bin/env bash
# Deleting IPv6's policy rule for the table local changes nothing until any other rule is added.
#
# Software: Linux; iproute2 6.1
# Source:   fib6_rule_lookup() in net/ipv6/fib6_rules.c looks into the tables local and main without the list of rules as long as
#           net->ipv6.fib6_has_custom_rules is false; fib6_rule_configure() sets it when a rule is added, nothing when one is deleted
# Guess:    a rule that "ip -6 rule" no longer lists is not obeyed, as for IPv4
# Seen:     without its rule "0: from all lookup local" a node still answers for its IPv6 addresses; after a rule that repeats what
#           the table main's says it answers for none, and goes on so when that rule is deleted again
# So:       a missing rule proves nothing for IPv6: ask for the route to an address, with "ip -6 route get"

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip link set lo up
ip link add name eth0 type veth peer name eth1
ip link set eth0 up
ip link set eth1 up
ip address add 192.0.2.1/24 dev eth0
ip address add 2001:db8::1/64 dev eth0 nodad
until ip -6 route get 2001:db8::1 | grep -q ^local; do sleep 0.1; done

# way says whether a packet to the node's own address is for the node.
way() { if ip "$1" route get "$2" | grep -q ^local; then echo local; else echo elsewhere; fi; }
both() { echo "$(way -4 192.0.2.1) $(way -6 2001:db8::1)"; }

ip -4 rule delete pref 0
ip -6 rule delete pref 0
deleted=$(both)
echo "IPv4 and IPv6 without the rule: $deleted"
ip -6 rule add pref 100 lookup main
added=$(both)
echo "after another IPv6 rule was added: $added"
ip -6 rule delete pref 100
gone=$(both)
echo "after that was deleted: $gone"
expect "without the rule" "$deleted" "elsewhere local"
expect "with another rule" "$added" "elsewhere elsewhere"
expect "without it again" "$gone" "elsewhere elsewhere"
