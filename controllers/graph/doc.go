// SPDX-License-Identifier: Apache-2.0

// Package graph describes the picture of a lab: what is in it, not where. It is pure: no clock, no client, no logger,
// no kernel.
//
//	spec, lab.Lab ──New──▶ Graph ──Grouped──▶ Graph ──layout.New──▶ Picture ──render──▶ svg html ascii
//	Live ──────────Show──▶   │                            ▲
//	                         └──render──▶ mermaid dot d2   └── Positions of an earlier picture
//
// New has what the spec determines, Show adds what is known of the lab on a machine or in a cluster: missing nodes, links
// that are down, failing probes. The way of a failing probe's packets is that of its diagnose.Walk.
//
// # What is where
//
//	interface names and addresses   at the end of the link: End
//	VLANs of a switch's port        there, too; links with tagged VLANs are drawn double
//	networks                        a colour per Network, named at the switch or beside the link, listed below
//	impairment, MTU, cut            beside the link: Link.Labels
//	loopbacks, ECMP, settings       Node.Notes; what is to come (filters, NAT, VRFs) are notes as well
//	a failing probe                 Link.Failures on its way, Node.Failures or a label where it ends, Failures below
//
// # Large labs
//
// Beyond MaxUngrouped nodes, hosts at the same switch or router are one node with a list of names and addresses. A host
// with something to look at, such as a failing probe, stays outside of its group.
package graph
