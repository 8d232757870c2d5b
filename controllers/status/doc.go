// SPDX-License-Identifier: Apache-2.0

// Package status decides what conditions say and how they say it. It is pure: no clock, no client,
// no logger, no kernel.
//
//	one look at a lab on one machine ──Look.Conditions──▶ Accepted, Realized, Reachable ──▶ Ready
//	reports of all nodes             ──Summarize────────▶ NetLab.status
package status
