// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
	"github.com/netlab-dev/netlab/controllers/packet"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// errNoLocal is nil on Linux, which has --local.
var errNoLocal error

var errNotRoot = errors.New(`labs on this machine need root: use sudo
without root, a lab can only exist for the time of a command: kubectl netlab --local up -f FILE -- COMMAND`)

// openMachine connects the logic to this machine's kernel. Directories made for that go with the
// last lab, or at the end of this program if there is none.
func openMachine(a *app) (*local.Machine, error) {
	if !sandbox.Privileged() {
		return nil, errNotRoot
	}
	k, err := kernel.New(kernel.Options{Symlinks: symlinks})
	if err != nil {
		return nil, err
	}
	a.cleanUp = k.Cleanup
	return local.New(k, sockets(k), local.Options{
		Symlinks:       symlinks,
		HasNetem:       k.HasNetem,
		FeatureMissing: kernel.ErrFeatureMissing,
		Progress:       a.terminal.progress,
	}), nil
}

func sockets(k *kernel.Kernel) local.Sockets {
	return local.Sockets{
		Dial: func(_ context.Context, from string, o probe.Options) (probe.Conn, error) {
			return k.DialICMP(from, int(o.Family), o.DontFragment, o.Source)
		},
		Listen: func(namespace string, o packet.Options) (capture.Tap, error) { return k.DialPacket(namespace, o) },
	}
}

// ownSandbox is set while this command enters its own sandbox. The child is root in a user namespace
// already, and without the variable it would take an outer sandbox, or root, for its own.
const ownSandbox = "NETLAB_UP_SANDBOX"

// enterSandbox continues inside a sandbox if the caller wants one or is not root.
// Outside the sandbox it always returns an error.
func enterSandbox(asked bool) (private bool, err error) {
	onTheWay := os.Getenv(ownSandbox) != ""
	if !onTheWay && (sandbox.Inside() || !asked && sandbox.Privileged()) {
		return false, nil
	}
	if err := os.Setenv(ownSandbox, "1"); err != nil {
		return false, err
	}
	inside, exit, err := sandbox.Enter(sandbox.Options{})
	switch {
	case err != nil:
		return false, err
	case !inside:
		return false, exitError(exit)
	}
	return true, os.Unsetenv(ownSandbox)
}
