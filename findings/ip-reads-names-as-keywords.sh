#!/usr/bin/env bash
# ip takes an interface name like a, b or br for an abbreviated keyword, and "ip address flush up" empties every interface.
#
# Software: iproute2 6.1
# Source:   iplink_parse() in ip/iplink.c compares with matches(), which any beginning of a keyword satisfies, and
#           ipaddr_list_flush_or_save() in ip/ipaddress.c knows "up", before either takes a word for a name
# Guess:    "dev" is optional where ip-link(8) and ip-address(8) show a name without it
# Seen:     eight of the 26 letters cannot be set up without "dev", with errors about addresses and queues; "ip address
#           flush up" succeeds and empties all interfaces that are up
# So:       write "dev" and "name" always, above all in scripts that are given the name

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

refused=""
for name in {a..z}; do
	ip link add name "$name" type veth peer name end
	if ! answer=$(ip link set "$name" up 2>&1 </dev/null) || ! ip -o link show dev "$name" | grep -q '[<,]UP[,>]'; then
		refused="$refused $name"
		echo "ip link set $name up: $(head -1 <<<"$answer")"
	fi
	ip link set dev "$name" up
	ip link del dev "$name"
done
expect "cannot be set up without dev" "$refused" " a b d h l m n t"
echo '$ ip link add br type bridge'
expect "answer" "$(ip link add br type bridge 2>&1 || true)" '"type" is invalid lladdr.'

ip link add name up type veth peer name down
for name in up down; do ip link set dev $name up; done
ip address add 192.0.2.1/24 dev up
ip address add 198.51.100.1/24 dev down
of_down() { ip -4 -o address show dev down | grep -o 'inet [^ ]*' || true; }
echo '$ ip address flush dev up'
ip address flush dev up
expect "address of down" "$(of_down)" "inet 198.51.100.1/24"
echo '$ ip address flush up'
ip address flush up
expect "address of down" "$(of_down)" ""
