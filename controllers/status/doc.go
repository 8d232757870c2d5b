// SPDX-License-Identifier: Apache-2.0

// Package status decides what conditions say and how they say it. Agent, controller and command line
// use it, so they say the same of the same lab. It is pure: no clock, no client, no logger, no kernel.
//
//	one inspection of a lab on one machine ──Inspection.Conditions──▶ Accepted, Realized, Reachable ──Ready──▶ Ready
//	the reports of all nodes               ──Summarize──────────────▶ NetLab.status
//
// An agent writes the conditions of its node into a report (Report), the controller reads them there
// (ConditionsIn). The command line prints them.
package status
