// SPDX-License-Identifier: Apache-2.0

// Package rtnl exchanges rtnetlink messages with the kernel. It knows sockets, messages and
// attributes, and no lab.
//
//	Conn          requests and their answers, in the network namespace it was opened in
//	Subscription  events of this network namespace and of all that have an nsid here
//	Attributes    the attributes of a message; Uint32, Text, Addr … read their values
//
// rtnetlink has an answer ready when the request has been sent, so a Conn uses blocking system
// calls on one thread, and neither the runtime's poller nor a goroutine of its own.
package rtnl
