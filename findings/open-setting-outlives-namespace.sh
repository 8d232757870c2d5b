#!/usr/bin/env bash
# An open file below /proc/sys/net does not keep its network namespace: the file stays open and has no content any more.
#
# Software: Linux; iproute2 6.1, Python 3.11
# Source:   sysctl inodes refer to a ctl_table_header, not to the namespace; unregister_net_sysctl_table() takes it away
#           when the namespace goes, and proc_sys_call_handler() in fs/proc/proc_sysctl.c answers ENOENT from then on
# Guess:    an open file of a namespace counts as a use of it, as an open socket or an open /proc/PID/ns/net does
# Seen:     with the settings file open, "ip netns delete" ends the namespace and its links at once; reading and
#           writing the open file is "No such file or directory". With the namespace's own file open instead, the links stay
# So:       a process may keep settings files open for a lab without holding it alive, and has to take ENOENT from a
#           descriptor for "the namespace is gone"

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 python3:python3
enter

# hold FILE opens a file as seen inside the namespace "lab", leaves the namespace, and reads the file when told to.
hold() {
	python3 -c '
import ctypes, os, sys

def enter(namespace):
    if ctypes.CDLL(None).setns(namespace, 0):
        sys.exit("setns failed")

mine = os.open("/proc/self/ns/net", os.O_RDONLY)
lab = os.open("/run/netns/lab", os.O_RDONLY)
enter(lab)
fd = os.open(sys.argv[1], os.O_RDONLY)
enter(mine)
os.close(lab)
print("open", flush=True)
sys.stdin.readline()
try:
    os.pread(fd, 1, 0)
    print("readable")
except OSError as e:
    print(e.strerror)' "$1"
}

# gone succeeds once the near end of the namespace's link has ended with it.
gone() { ! ip link show dev here >/dev/null 2>&1; }

# attempt FILE prints whether the link is still there a second after the namespace was deleted, and what reading gives.
attempt() {
	ip netns add lab
	ip link add name here type veth peer name there netns lab
	coproc HOLDER { hold "$1"; }
	read -r _ <&"${HOLDER[0]}"
	ip netns delete lab
	if [ "$1" != /run/netns/lab ]; then soon gone; fi
	sleep 1
	gone && link=gone || link=there
	echo >&"${HOLDER[1]}"
	read -r answer <&"${HOLDER[0]}"
	wait "$HOLDER_PID"
}

attempt /proc/sys/net/ipv4/ip_forward
expect "settings file open, link after a second" "$link" gone
expect "settings file, read" "$answer" "No such file or directory"

attempt /run/netns/lab
expect "namespace file open, link after a second" "$link" there
soon gone
