// SPDX-License-Identifier: Apache-2.0

// Package capture writes the packets that pass a node's interfaces as pcapng, the format of Wireshark
// and tshark.
//
//	packet socket ─▶ Record ─▶ section, interfaces, packets …, statistics
//
// Timestamps are the kernel's, in nanoseconds. A capture ends at its limits, when its interface goes
// down, and soon after its lab was deleted: until then the packet socket keeps the namespace alive.
// In every case the file is complete and counts the packets that the kernel dropped because they
// were not read in time.
package capture
