// SPDX-License-Identifier: Apache-2.0

// Package labtest makes random labs, edits them at random, and says who must reach whom in them.
// It is for tests, and pure: the same seed always gives the same labs.
//
//	seed ─▶ Generator.Spec ─▶ spec ─▶ Reachability ─▶ who answers whom
//	                           │ ▲
//	                           └─┘ Generator.Edit
//
// What is expected of a lab must not come from the code that built it. Of the compiled lab only the
// addresses are read. Who shares a segment is worked out anew, link by link, and a ping is followed
// hop by hop over what the API promises of routes, without a routing table.
//
// # What cannot be said
//
// Where a promise leaves a choice and the choice matters (equal paths of which one crosses a router
// that does not forward), the answer is Unclear, and nothing is asserted. Not generated are lossy
// impairments, duplicates of addresses, and routes by address.
package labtest
