// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"errors"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
)

// errNoLocal says why there is no --local here: network namespaces, veth pairs and bridges are
// Linux's, and only the files named _linux of this program ask the kernel for them.
var errNoLocal = errors.New("--local needs Linux, because labs are made of its network namespaces; " +
	"lint, plan --from-empty and everything in a cluster work here without --local")

func openMachine(*app) (*local.Machine, error) { return nil, errNoLocal }

func enterSandbox(bool) (private bool, err error) { return false, errNoLocal }
