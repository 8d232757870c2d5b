// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
	"github.com/netlab-dev/netlab/controllers/lab"
)

func (a *app) lintCommand() *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use:   "lint -f FILE",
		Short: "Report every problem of a file",
		Long: `Report every problem of a file: what the API server refuses, what the controller refuses, and, as
warnings, what is valid but probably unintended. lint needs neither a cluster nor root. Exits 1 if
there is a problem, 0 if there are only warnings.`,
		Args: cobra.NoArgs,
		RunE: a.verb(func(*cobra.Command, []string) error { return a.lint(files) }),
	}
	fileFlag(cmd, &files)
	_ = cmd.MarkFlagRequired("filename")
	return cmd
}

func (a *app) lint(files []string) error {
	valid, err := a.readValid(files)
	for _, doc := range valid {
		_, warnings := lab.Lint(doc.Lab)
		for _, warning := range doc.Locate(warnings) {
			fmt.Fprintf(a.out, "warning: %s\n", warning)
		}
		fmt.Fprintf(a.out, "%s: %s/%s is valid\n", doc.File, doc.Lab.Namespace, doc.Lab.Name)
	}
	return err
}

// readValid returns the labs that can be built; the error lists the problems of the others.
func (a *app) readValid(files []string) ([]manifest.Document, error) {
	return manifest.Check(files, manifest.Options{Namespace: a.namespace(), Stdin: a.in})
}
