// SPDX-License-Identifier: Apache-2.0

// Package cluster holds what agent and controller share in dealing with an API server: types,
// the metadata of Nodes, queues, patches of status, and the metrics endpoint. It knows no lab.
package cluster
