// SPDX-License-Identifier: Apache-2.0

// Package lab compiles the spec of a NetLab to the State that the kernel should have, and to its probes.
// It is pure: no clock, no client, no logger, no kernel. The same input gives the same output in the same
// order.
//
//	NetLab spec ──Compile──▶ Lab: State (want), probes
//
// # Passes
//
// Compile runs the passes listed in walk: resolve names, check, derive addresses, next hops, routes and
// probes, write rows. A pass reports a problem with field, message and fix, leaves the part out and goes
// on, so that one walk reports every problem. Validate and Lint run the same walk: linter, controller and
// agent cannot disagree. Each noun's file holds its parsing, checks, derivation and rows.
//
// # Segments
//
// A segment is a broadcast domain. Two ends on one segment are neighbours, and neighbours decide addresses,
// next hops and routes. The vertices are ends and, at a switch, its VLANs (portAtVLAN). For each tag, a
// link connects the two vertices at which its ends accept frames with that tag; a segment is a connected
// component. This one rule covers access ports, trunks, different native VLANs and subinterfaces. A link
// that is down counts for addresses, so that cutting a cable changes none, but not for derived routes.
package lab
