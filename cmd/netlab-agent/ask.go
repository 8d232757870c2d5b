// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"

	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/ask/remote"
	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/packet"
)

// askLab answers a question about a lab of this node; see package remote.
func askLab(ctx context.Context, args []string) int {
	k, err := kernel.New(kernel.Options{ReadOnly: true})
	if err != nil {
		return fail(err)
	}
	server := remote.Server{
		Machine: &ask.Machine{
			Kernel: k,
			Dial:   machine(k).Dial,
			Listen: func(namespace string, o packet.Options) (capture.Tap, error) { return k.DialPacket(namespace, o) },
		},
		Labs:    k.Labs,
		Version: version,
	}
	return server.Serve(ctx, args, os.Stdin, os.Stdout, os.Stderr)
}
