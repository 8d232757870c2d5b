// SPDX-License-Identifier: Apache-2.0

// Package lab compiles a lab as people write it into the State a kernel should hold, and its
// probes. It is pure: no clock, no client, no logger, no kernel, and the same input always gives the
// same output in the same order.
//
//	NetLab spec ──Compile──▶ Lab: State (want), probes
//
// # Segments
//
// Who shares a broadcast domain decides who is a neighbour, and so addresses, next hops and routes. A
// frame is at an element: an end that takes it, or a switch, per VLAN. Every link joins, for
// each tag, the elements that its two ends take such frames to; what is joined is a segment. So
// access ports, trunks, native VLANs that differ, and subinterfaces are one rule. Links that are
// down count for addresses, which must not change with a cut cable, and not for derived routes.
//
// # Compile
//
// Compile resolves names to ends of links, derives addresses, next hops and routes, and
// collects every problem it meets on the way with field, problem and fix. Validate is the
// same walk with only the problems kept, so the linter, the controller and the agent cannot
// disagree.
package lab
