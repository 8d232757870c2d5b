#!/usr/bin/env bash
# A router's first NAT rule resets the TCP connections that already run through it.
#
# Software: Linux; iptables 1.8.9, Python 3.11
# Source:   nf_ct_netns_get() in net/netfilter/nf_conntrack_proto.c attaches connection tracking to a namespace with the
#           first rule that wants it; tcp_new() in nf_conntrack_proto_tcp.c takes the next packet of a running
#           connection for a new one (net.netfilter.nf_conntrack_tcp_loose=1), which the rule then translates
# Guess:    NAT rules see the first packet of a connection, so a new rule is for new connections only
# Seen:     the connection's next packet leaves with another source address and is answered with a reset. If any rule
#           that tracks connections was there before, even one that does nothing, the connection goes on
# So:       have connections tracked wherever a NAT rule may come later

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 sysctl:procps python3:python3-minimal iptables:iptables
enter

iptables -t nat -A POSTROUTING -j MASQUERADE 2>"$FINDING_DIR/refused" || cannot "$(cat "$FINDING_DIR/refused")"

cat >"$FINDING_DIR/serve.py" <<'EOF'
import socket, threading

def echo(connection):
    while data := connection.recv(64):
        connection.sendall(data)

server = socket.create_server(("", 7))
while True:
    threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
EOF
cat >"$FINDING_DIR/talk.py" <<'EOF'
import socket, subprocess, sys

s = socket.create_connection(("198.51.100.1", 7), timeout=5)
words = []
for command in "true", sys.argv[1]:
    subprocess.run(command, shell=True, check=True)
    try:
        s.sendall(b"x")
        words.append("echo" if s.recv(64) else "end")
    except OSError as error:
        words.append(error.strerror or "timeout")
print(", ".join(words))
EOF
# build makes client, router and server, in place of earlier ones.
build() {
	local node end
	for node in client router server; do
		if [ -e /run/netns/$node ]; then ip netns del $node; fi
		ip netns add $node
	done
	ip -n client link add name v0 type veth peer name west netns router
	ip -n server link add name v0 type veth peer name east netns router
	for end in client/v0 router/west router/east server/v0; do ip -n ${end%/*} link set dev ${end#*/} up; done
	ip -n client address add 192.0.2.1/24 dev v0
	ip -n router address add 192.0.2.254/24 dev west
	ip -n router address add 198.51.100.254/24 dev east
	ip -n server address add 198.51.100.1/24 dev v0
	ip -n client route add default via 192.0.2.254
	ip -n server route add default via 198.51.100.254
	ip netns exec router sysctl -qw net.ipv4.ip_forward=1
	ip netns exec server python3 "$FINDING_DIR/serve.py" &
	soon ip netns exec client bash -c 'echo >/dev/tcp/198.51.100.1/7'
}

# talk sends a byte, adds the rule, and sends another byte over the same connection.
rule="iptables -t nat -A POSTROUTING -o east -j MASQUERADE"
talk() { ip netns exec client python3 "$FINDING_DIR/talk.py" "nsenter --net=/run/netns/router $rule"; }

build
echo "\$ $rule"
expect "a connection before and after that" "$(talk)" "echo, Connection reset by peer"

build
echo '$ iptables -A FORWARD -m conntrack --ctstate INVALID'
ip netns exec router iptables -A FORWARD -m conntrack --ctstate INVALID
echo "\$ $rule"
expect "a connection before and after that" "$(talk)" "echo, echo"
