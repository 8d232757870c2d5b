// SPDX-License-Identifier: Apache-2.0

// Package acceptance tests NetLab's promises with the real parts: the three programs as built, a real
// API server, kubectl, and this machine's kernel.
//
// Every test runs in a sandbox with mount, network and PID namespaces of its own. The sandbox is the
// machine of the test; nothing is left when it ends. The name of each test states the promise.
package acceptance
