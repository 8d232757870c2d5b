// SPDX-License-Identifier: Apache-2.0

// Package cluster has what agent and controller share for the API server: types, metadata of Nodes,
// queues, patches of status, and the metrics endpoint. It knows no lab.
package cluster
