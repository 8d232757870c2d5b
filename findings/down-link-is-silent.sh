#!/usr/bin/env bash
# A link that is down changes its alias, group or mode without an event.
#
# Software: Linux; iproute2 6.1 (ip monitor)
# Source:   netif_state_change() in net/core/dev.c, by which do_setlink() announces most changes, does nothing
#           unless the link has IFF_UP; the MTU, the MAC and the flags have announcements of their own
# Guess:    RTM_NEWLINK is sent for every change that RTM_GETLINK shows
# Seen:     on a link that is down a new alias, group or mode makes no event; a new MTU does, and so do all of them
#           once the link is up
# So:       a program that keeps links as the events tell them is wrong until it asks again

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2
enter

ip link add name v0 type veth peer name v1
ip monitor link >>"$FINDING_DIR/events" &

# catch_up returns once an event of v1 has arrived: all that were sent before it have arrived, too.
mark=1300
mark() {
	mark=$((mark + 1))
	ip link set dev v1 mtu $mark
}
arrived() { grep -q " v1@v0.* mtu $mark " "$FINDING_DIR/events"; }
catch_up() {
	mark
	soon arrived
}
subscribed() {
	mark
	sleep 0.1
	arrived
}

# events STATE CHANGE COUNT changes v0, whose state is that, and expects so many events of it.
events() {
	catch_up
	: >"$FINDING_DIR/events"
	# shellcheck disable=SC2086 # a change is several words
	ip link set dev v0 $2
	catch_up
	expect "events of a link that is $1, $2" "$(grep -c ' v0@v1' "$FINDING_DIR/events" || true)" "$3"
}
soon subscribed

for change in "alias one" "group 7" "mode dormant"; do events down "$change" 0; done
expect "shown nonetheless" "$(ip link show dev v0 | grep -o 'mode [A-Z]*\|group [0-9]*\|alias [a-z]*' | xargs)" \
	"mode DORMANT group 7 alias one"
events down "mtu 1300" 1

ip link set dev v0 up
for change in "alias two" "group 8" "mode default"; do events up "$change" 1; done
