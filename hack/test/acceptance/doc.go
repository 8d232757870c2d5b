// SPDX-License-Identifier: Apache-2.0

// Package acceptance holds the stories a user would live through, told with the real parts:
// the three programs as they are built, a real API server, kubectl, and this machine's kernel.
//
// Everything runs inside a sandbox (its own mount, network and pid namespaces), which is "the
// machine" of these stories; nothing is left behind when it ends. Each story says in its name
// what is promised.
package acceptance
