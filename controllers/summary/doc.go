// SPDX-License-Identifier: Apache-2.0

// Package summary runs in the leading controller. It creates and deletes a NetLabNodeState with each Node,
// and folds the agents' reports into the status of each NetLab. Summary.Reconcile is the whole program;
// package controllers has the map.
package summary
