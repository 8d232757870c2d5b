// SPDX-License-Identifier: Apache-2.0

// Package controllers is NetLab in a cluster: the agent that runs on every node, and the
// controller that sums up what the agents say.
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
// An agent writes the status of its own NetLabNodeState (agent/reporter.go), a Kubernetes Event when
// it has repaired something, and nothing else; an admission policy holds it to its own node. The
// controller creates and deletes NetLabNodeStates with their Nodes (summary/nodestates.go), and writes the
// status of NetLabs and an Event when Ready changes (summary/summary.go). Everything is written on change
// only: where nothing happens, nothing but the controller's Lease is.
//
// What a status says is decided in two pure functions with their tables above them: status.Look.Conditions
// for one node, status.Summarize for all. Which node is expected to
// report, and which report counts, is in summary/roster.go and summary/facts.go.
//
// # Many nodes
//
// What a lab costs is to depend on its own nodes, and what they all say together is to be written
// seldom. Events keep a roster of nodes, agents and reports (summary/roster.go), from which a lab is
// summed up without looking at other nodes or copying anything. While its nodes report, a lab on
// n of them is summed up every n ms and written every n × 10 ms (summary/memory.go), and at once when
// Ready says something new: a lab on three nodes does not notice, one on a thousand does not flood
// the API server, which sends each write to every agent. An agent gathers, too: four reports may
// follow each other, each after a longer wait for labs at work, then one in five seconds (agent/reporter.go). A report is
// sent, and stored, whole; of a lab that is ready it holds one word (status/conditions.go), for an API server
// has every report of the last 75 s in memory, taken apart into maps four times as large as its
// JSON. The fleet in hack/bench/fleet measures it all.
//
// # When a lab is looked at
//
// When its spec changes or the Node's labels do; when the kernel says that something changed in
// one of its namespaces, 20 ms later; when a probe's result changes; and every 10 s, because
// events are only a hint. A look is always the same: Agent.Reconcile. It observes the kernel
// anew, so the cause of a failing probe is found in what is, not in what was.
//
// # When a lab is removed
//
// By mark, and only on proof: a received delete event, a placement that no longer selects the
// node, a lab of another UID that the API server confirms to have the name, or the sweep
// (agent/sweep.go). A lab that is merely missing from the cache is not deleted. There are no finalizers,
// and an agent that stops leaves its labs running.
//
// # Generations and drift
//
// That a generation was once found as described is kept under /run (agent/record.go). What is
// applied later to the same generation is a repair and counted; under driftPolicy Report it is
// not applied but reported.
package controllers
