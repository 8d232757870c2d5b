// SPDX-License-Identifier: Apache-2.0

// Package capture writes the packets that pass interfaces of one or several nodes as one pcapng, the
// format of Wireshark and tshark.
//
//	packet sockets ─▶ Record ─▶ section, interfaces, packets in the order of their times …, statistics
//
// Timestamps are the kernel's, in nanoseconds, and all nodes of a lab have the clock of one machine. So a
// packet's hops are in the order of their times. Every 50 ms Record reads what the sockets have, sorts it,
// and writes what is older than the beginning of this round.
//
// A capture ends at its limits, when its only interface goes down, and soon after its lab was deleted:
// until then a packet socket keeps the namespace alive. In every case the file is complete and counts
// the packets that the kernel dropped because they were not read in time.
package capture
