#!/usr/bin/env bash
# A link is created without the alias that the request names, and without an error.
#
# Software: Linux; iproute2 6.1, which puts "alias" into the request
# Source:   rtnl_create_link() and rtnl_newlink_create() in net/core/rtnetlink.c read IFLA_GROUP, IFLA_MTU and
#           IFLA_ADDRESS, never IFLA_IFALIAS; do_setlink() reads it
# Guess:    what RTM_NEWLINK can change in a link, it can also give a new one; what it cannot, it refuses
# Seen:     exit code 0, a link with the group of the request and no alias; the same words set it afterwards
# So:       an alias cannot mark a link from its first moment, a group can

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

alias_of() { ip link show dev "$1" | sed -n 's/^ *alias //p'; }
group_of() { ip -o link show dev "$1" | grep -o 'group [^ ]*'; }

echo '$ ip link add name v0 alias uplink group 7 type veth peer name v1 alias downlink group 7'
ip link add name v0 alias uplink group 7 type veth peer name v1 alias downlink group 7
expect "group of v0" "$(group_of v0)" "group 7"
expect "group of v1" "$(group_of v1)" "group 7"
expect "alias of v0" "$(alias_of v0)" ""
expect "alias of v1" "$(alias_of v1)" ""

echo '$ ip link set dev v0 alias uplink'
ip link set dev v0 alias uplink
expect "alias of v0" "$(alias_of v0)" "uplink"
