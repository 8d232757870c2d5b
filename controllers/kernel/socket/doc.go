// SPDX-License-Identifier: Apache-2.0

// Package socket opens raw sockets in the network namespace of the calling thread: ICMP sockets for
// echo requests, packet sockets for captures. It knows no lab.
//
// A socket stays in its namespace wherever the thread goes, and keeps a deleted namespace alive
// until it is closed.
package socket
