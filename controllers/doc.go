// SPDX-License-Identifier: Apache-2.0

// Package controllers is NetLab in a cluster: the agent on every node, and the controller that
// summarizes the agents' reports.
//
//	                    ┌── agent, one per node ──────────────────────────────────────────┐
//	NetLab.spec ───────▶│ Reconcile: compile ─▶ converge ─▶ probe ─▶ diagnose ─▶ reporter │──▶ NetLabNodeState.status
//	kernel events ─────▶│                                                                 │            │
//	                    └─────────────────────────────────────────────────────────────────┘            │
//	                    ┌── controller, one leads ───────────────────────────────────────┐             │
//	NetLab.status ◀─────│ Summary: gather facts ─▶ summarize (pure)                      │◀────────────┘
//	                    └────────────────────────────────────────────────────────────────┘
//
// # Who writes what
//
// An agent writes two things: the status of its own NetLabNodeState (agent/reporter.go), and a Kubernetes
// Event after a repair. An admission policy restricts it to its own node. The controller creates and
// deletes a NetLabNodeState with each Node (summary/nodestates.go), and writes the status of NetLabs and
// an Event when Ready changes (summary/summary.go). Both write changes only: in a quiet cluster only
// the controller renews its Lease.
//
// Package status decides what conditions say. It is pure, and its tables stand above two functions:
// Inspection.Conditions for one machine, Summarize for all nodes. summary/roster.go decides which nodes
// should report, summary/facts.go which report counts.
//
// # Many nodes
//
// The cost of a lab depends on its own nodes only, and its status is written seldom. Events keep a
// roster of nodes, agents and reports (summary/roster.go), so a summary looks at no other node and
// copies nothing. While its nodes report, a lab on n nodes is summarized every n ms and written every
// n × 10 ms (summary/memory.go), and at once when Ready changes: a lab on three nodes has no delay, and
// a lab on a thousand does not flood the API server, which sends each write to every agent. Agents
// write in batches, too: up to four reports may follow each other, each after a longer wait, then one
// in five seconds (agent/reporter.go). A report is sent and stored whole. In it a lab that is ready takes one
// word (status/conditions.go), because the API server keeps every report of the last 75 s in memory,
// decoded into maps four times as large as its JSON. hack/bench/fleet measures all of this.
//
// # When a lab is inspected
//
// When its spec or the Node's labels change; 20 ms after a kernel event in one of its namespaces; when
// the result of a probe changes; and every 10 s, because events are only hints. Every inspection is the
// same: Agent.Reconcile. It observes the kernel again:
//
//	reason                                          looks at
//	an event in a network namespace                 that namespace (agent/known.go)
//	an edit                                         the namespaces of which it wants something else
//	every 10 s; a new result of a probe; lost       the whole lab
//	events; after an error or a conflict; a start
//
// In each case also at the namespaces that the last inspection did not find as wanted, and, where a cable has
// changed, at its other end. Silent changes are found by the whole looks.
//
// # When a lab is removed
//
// By its owner label, and only on proof: a received delete event; a placement that no longer selects
// the node; a lab of another UID that the API server confirms under the name; or the sweep
// (agent/sweep.go). A lab that is only missing from the cache is not removed. There are no finalizers,
// and an agent that stops leaves its labs running.
//
// # Generations and drift
//
// A record under /run says which generation matched the spec last (agent/record.go). A later correction
// of the same generation is a repair and is counted. Under driftPolicy Report the agent reports the
// difference and does not correct it.
package controllers
