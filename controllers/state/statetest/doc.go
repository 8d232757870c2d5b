// SPDX-License-Identifier: Apache-2.0

// Package statetest makes random States for tests: what a lab may want, and what an
// observation of it may find after somebody worked on the machine by hand. The same seed
// always gives the same States.
//
// A wanted State is one a kernel can hold: no routes over links that are down, no IPv6 on
// links with an MTU below 1280 or with disable_ipv6, primary addresses before secondary
// ones, every gateway on a connected prefix, no loop of bridges without STP. An observed
// State is well-formed in the same sense, but for what the damage is about.
//
// Names come from small pools, so that two States of different seeds overlap the way the
// State before and the State after an edit do.
package statetest
