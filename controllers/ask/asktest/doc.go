// SPDX-License-Identifier: Apache-2.0

// Package asktest is the tutorial's lab on a fake kernel, to be asked in tests: every IPv4 ping is
// answered at once, unless Silent says that it is not.
package asktest
