// SPDX-License-Identifier: Apache-2.0

// Package capture writes what passes the interfaces of a lab's node as pcapng, the format of
// Wireshark and tshark.
//
//	packet socket ─▶ Record ─▶ section, interfaces, packets …, statistics
//
// Times are those at which the kernel saw a packet, to the nanosecond. A capture ends where it
// was told to, when its interface goes down, and soon after its lab was deleted: the packet
// socket keeps the namespace alive until then. However it ends, the file is complete and says
// how much is missing: the kernel drops what nobody reads in time.
package capture
