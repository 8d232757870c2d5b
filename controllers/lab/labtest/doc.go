// SPDX-License-Identifier: Apache-2.0

// Package labtest generates random labs, edits them at random, and predicts which pings must succeed in
// them. It is for tests, and pure: the same seed gives the same labs.
//
//	seed ─▶ Generator.Spec ─▶ spec ─▶ Reachability ─▶ expected pings
//	                           │ ▲
//	                           └─┘ Generator.Edit
//
// The prediction is independent of the compiler: it reads only the addresses of a compiled lab. It finds the
// segments itself, link by link, and follows a ping hop by hop over the routes that the API promises,
// without a routing table.
//
// # Limits
//
// Where the API leaves a choice and the choice matters (equal-cost paths of which one crosses a router that
// does not forward), the prediction is Unclear and tests assert nothing. Lossy impairments, duplicate
// addresses and routes via addresses are not generated.
package labtest
