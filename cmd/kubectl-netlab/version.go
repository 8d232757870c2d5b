// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// version is set when linking: -ldflags "-X main.version=v0.1.0".
var version = "dev"

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version of this program and of its API",
		Args:  cobra.NoArgs,
		RunE: a.verb(func(*cobra.Command, []string) error {
			fmt.Fprintf(a.out, "kubectl-netlab %s (%s, %s %s/%s)\n", version, v1alpha1.GroupVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		}),
	}
}
