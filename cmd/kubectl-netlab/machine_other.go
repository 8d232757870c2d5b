// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"errors"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
)

// errNoLocal is the error of --local: network namespaces, veth pairs and bridges exist only in Linux,
// and only this program's files named _linux use them.
var errNoLocal = errors.New("--local needs Linux, because labs are made of its network namespaces; " +
	"lint, plan --from-empty and everything in a cluster work here without --local")

func openMachine(*app) (*local.Machine, error) { return nil, errNoLocal }

func enterSandbox(bool) (private bool, err error) { return false, errNoLocal }
