#!/usr/bin/env bash
# Turning IPv4 forwarding off turns the acceptance of ICMP redirects on.
#
# Software: Linux; procps 4.0 (sysctl)
# Source:   inet_forward_change() in net/ipv4/devinet.c sets accept_redirects of "all" to the opposite of forwarding,
#           and "forwarding" of every link to the same; only a change does that, not a write of the value that is there
# Guess:    a sysctl file that says accept_redirects=0 and ip_forward=0 leaves both 0
# Seen:     on a machine that forwarded, both lines are taken without an error, and accept_redirects is 1
# So:       files in alphabetical order have it the wrong way round: ip_forward belongs before conf.all

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 sysctl:procps
enter

accepts() { sysctl -n net.ipv4.conf.all.accept_redirects; }
cat >"$FINDING_DIR/hardened.conf" <<'EOF'
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.ip_forward = 0
EOF

sysctl -qw net.ipv4.ip_forward=0
sysctl -qw net.ipv4.ip_forward=1
expect "accept_redirects, once the machine forwards" "$(accepts)" 0
echo '$ sysctl -p hardened.conf'
sysctl -p "$FINDING_DIR/hardened.conf"
expect "accept_redirects, after a file that sets it to 0" "$(accepts)" 1
echo '$ sysctl -p hardened.conf'
sysctl -p "$FINDING_DIR/hardened.conf"
expect "accept_redirects, after the same file a second time" "$(accepts)" 0
