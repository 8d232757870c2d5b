// SPDX-License-Identifier: Apache-2.0

// Package asktest provides the tutorial's lab on a fake kernel: every IPv4 ping gets a reply at once,
// unless Silent suppresses it.
package asktest
