// SPDX-License-Identifier: Apache-2.0

// Package kernel observes what a machine holds of a lab, applies operations, asks for forwarding
// decisions, opens sockets in a lab's namespaces, and watches for changes. It decides nothing about
// what should be there.
//
//	want ──▶ Observe ──▶ Observation{State, Conflicts, Unmanaged}
//	ops  ──▶ Apply   ──▶ how many succeeded, *OpError for the one that did not
//
// # Packages and files
//
//	rtnl, netns, socket    transport: messages; threads, namespaces and mounts; raw sockets
//	session, conn          the handles of a locked thread; a namespace's rtnetlink connection
//	observe, snapshot      read a lab; whose each object is
//	observe_in             read a part of it, and go on from the last observation
//	apply, feature         perform operations, after a trial of what the kernel may lack
//	watch, follow          events
//	link, address, route … one file per noun: how it is listed, parsed and changed
//
// # Threads
//
// A network namespace belongs to a thread. Every way into one goes through netns.Home.Do. A session is
// the work of one such thread in any number of namespaces. Nothing stays open in a lab's namespace after
// it, because a file or socket keeps a deleted one alive; files of settings, which do not, are kept open
// from one session to the next (settingCache), because opening them took half the time of a look.
// Several sessions observe a large lab at the same time; their sockets stay open until the peers of
// veths are resolved.
//
// # Whose is it
//
//	what                            is the lab's when
//	a namespace                     the alias of its lo is the lab's mark for that node
//	a file in NamespaceDir          nothing is mounted over it and its content is that mark
//	a symlink in SymlinkDir         its target is exactly our file of the same name
//	a link                          it is lo, has our group, its peer has, or it is a wanted one by name, kind and MAC
//	an address                      it is on such a link and not one the kernel gives lo
//	the route to its network        it is as the kernel makes it with such an address
//	an attribute                    its link is the lab's, and no lab asks for another than the initial value
//	a route of the main table       it has our protocol, or is where a wanted one belongs
//	a permanent neighbour entry     it has our protocol, or is where a wanted one belongs
//	a setting                       it has a row in every State
//	a membership in a VLAN          its port is the lab's
//	a root queueing discipline      its link is the lab's, and the kernel does not make it by itself
//
// The marks are set before the thing can be seen: a namespace is marked before it is mounted,
// its file appears together with its content, and a link's group is in the message that creates
// both ends. So whatever moment a process is killed at, what it leaves says whose it is, and the
// next Observe, Diff and Apply bring it to the same end. Whatever else has a name that is wanted
// is a Conflict; whatever else is in a lab's namespace is Unmanaged. Neither is touched.
//
// # What is taken back
//
// What ip, bridge, tc and sysctl can change of the lab's own things is seen in the messages that are
// read anyway, and taken back where it decides which packets go where:
//
//	changed by hand                          is                  and taken back by
//	a link's ARP, multicast, broadcast       an override         ip link set
//	  address, mode, dormant state
//	what a bridge does beside STP and VLANs  an override         ip link set type bridge
//	  (ageing, priority, snooping, firewall)
//	what a port does (learning, flooding,    an override         ip link set type bridge_slave
//	  isolation, hairpin, cost, its state
//	  without a spanning tree …)
//	headers, binding of a VLAN interface     an override         ip link set type vlan
//	an address's lifetime, metric, flags     an alteration       ip address replace
//	its scope, broadcast, peer; IPv4's       an alteration       ip address delete, replace
//	  flags, IPv6's metric
//	the route the kernel made with it        its address'        ip route prepend
//	the route to an IPv4 address itself      an alteration       ip address delete, replace
//	a route's metrics, realm, scope, pref,   another route type  ip route replace
//	  expiry, encapsulation, next hop object
//	a permanent neighbour's MAC, state,      its row             ip neigh replace
//	  protocol; its absence
//	a queue below the root's                 its qdisc's         tc qdisc delete
//	tbf's own queue                          its qdisc's limit   tc qdisc replace
//
// Unmanaged are other tables, policy rules, neighbours, MAC entries and multicast groups
// that somebody made to stay, filters of what comes in, packet filters, IPsec policies, XDP programs, routes for some
// sources or a TOS, local routes of others, settings that no lab has and that keep a node from answering (arp_filter, IPv6's
// icmp.echo_ignore_all). ChangedSettings finds any other that differs from a new namespace's. Unmanaged lists what of
// them Observe does not read anyway, and routes of others, each with the command that takes it away: for a status that
// somebody asked for, and to name it where a packet gets lost.
//
// Not looked at, though packets depend on it: the route to an IPv6 address itself, which the kernel makes a while
// after the address, so that a missing one says nothing; the anycast address of a router's IPv6 subnet, which the
// kernel leaves behind if forwarding is turned on between an address and its announcement, and later off; and the
// states of a bridge's ports per VLAN.
//
// Not looked at, because no packet goes another way for it: names (alias, altname, label), promiscuity,
// queue lengths, offloads, statistics, the priorities of VLAN interfaces, IPv6 tokens (no lab takes
// router advertisements), timers of multicast. A veth has no carrier and no protodown that could be
// set by hand. Every setting that is not on the closed list is the user's.
//
// # Unknown is not absent
//
// A read that failed, or that met a change, says nothing. Namespaces are small, so it is begun
// again, on a new socket; when that does not help, Observe fails. A State is everything or an error.
//
// # What not every kernel has
//
// Before a plan is applied, what it needs is tried in a namespace without a name, through the same
// code: a kernel without VLAN filtering, VLAN interfaces, netem or tbf says so with
// ErrFeatureMissing, and nothing of the lab is built. A kind of link is tried by asking for one that
// there cannot be, so that nothing is made: what a trial made would be taken apart while the lab is
// built, and a bridge that is keeps everybody from changing links for some 20 ms.
//
// # What takes long without using the CPU
//
//	what                                    because                             so
//	a veth whose queues nobody asks for     unused ones are turned off, which   one is asked for
//	                                        waits for every CPU, at both ends
//	the 65th, 257th, 513th … open file      the table of files grows, which     it is grown once, while
//	                                        waits for every CPU                 nobody waits
//	a link or bridge that is deleted        its users are waited for            all are deleted at once
//	a file or message that changes links    others change links                 –
//	  or forwarding
//
// # Crash points of CreateNamespace
//
//	killed after                    leaves                      and the next plan
//	making the unnamed file         nothing                     creates
//	linking it to its name          a file with the mark        creates over it
//	making, marking, setting        the same: nothing holds     creates over it
//	  the namespace                   the namespace
//	mounting                        all of it                   goes on
package kernel
