// SPDX-License-Identifier: Apache-2.0

// Package agent runs on every node. It makes the node's kernel hold the labs that select the node, probes
// them, and writes a report into the node's own NetLabNodeState. Agent.Reconcile is the whole program;
// package controllers has the map. Labs of different namespaces of the cluster take turns; see turns.
package agent
