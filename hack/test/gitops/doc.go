// SPDX-License-Identifier: Apache-2.0

// Package gitops holds tests that ask Flux and Argo CD, through their own libraries, what they
// make of NetLabs. It is a module of its own so that people who import NetLab get none of them.
//
//	question                                     asked of
//	is the lab well? (situations_test.go)        kstatus; Flux's evaluator of health expressions with
//	                                             config/flux; gopher-lua with config/argocd/health.lua
//	is it in sync? (kubectl, argocd_sync,        kubectl; gitops-engine's three ways to compare; Flux's
//	flux_sync _test.go)                          server-side dry run: on a real API server
//	are the examples right? (examples_test.go)   Argo CD's CRD on that API server; Flux's Go types
//
// The situations are files that package controllers writes with the function that also writes
// NetLab.status: see controllers/status/testdata/situations.
//
// The newest versions of the libraries that Go 1.26 builds are used, where newer ones want 1.27.
package gitops
