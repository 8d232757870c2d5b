// SPDX-License-Identifier: Apache-2.0

// Package filter compiles filter expressions of pcap-filter(7) to classic BPF.
//
//	expression ─parse─▶ expr ─lower─▶ tests of frames ─assemble─▶ program
//
// It knows the common part of the syntax: ether, ip, ip6, arp, rarp, tcp, udp, sctp, icmp, icmp6 and other
// protocols, alone or before src and dst, host, net, port, portrange and proto; vlan; less and greater;
// broadcast and multicast; and, or, not and parentheses, where and and or bind equally. A program accepts what
// the same expression of libpcap accepts. Not supported are names that need a database (hosts, services) and
// bytes of a packet (tcp[13]).
//
// The kernel takes the outer VLAN tag out of a frame. A program has one part for frames without such a tag,
// one for those with it, and one for interfaces without an Ethernet header.
package filter
