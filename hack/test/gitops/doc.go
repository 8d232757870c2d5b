// SPDX-License-Identifier: Apache-2.0

// Package gitops tests how Flux and Argo CD judge NetLabs, with their own libraries. It is a separate
// module, so that a module that imports NetLab does not depend on them.
//
//	question                                     answered by
//	is the lab healthy? (situations_test.go)     kstatus; Flux's evaluator of health expressions with
//	                                             config/flux; gopher-lua with config/argocd/health.lua
//	is it in sync? (kubectl, argocd_sync,        kubectl; gitops-engine's three ways to compare; Flux's
//	flux_sync _test.go)                          server-side dry run: on a real API server
//	are the examples valid? (examples_test.go)   Argo CD's CRD on that API server; Flux's Go types
//
// The situations are in controllers/status/testdata/situations. Package status writes them, with the
// function that also writes NetLab.status.
//
// The libraries have the newest versions that build with Go 1.26; newer ones need 1.27.
package gitops
