// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/apiclient"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
)

// clusterUpOptions are the flags of up without --local.
type clusterUpOptions struct {
	timeout time.Duration
	apply   apiclient.ApplyOptions
}

func applyFlags(cmd *cobra.Command, o *apiclient.ApplyOptions) {
	cmd.Flags().BoolVar(&o.ForceConflicts, "force-conflicts", false, "in a cluster: take over fields that another field manager set to other values")
	cmd.Flags().StringVar(&o.FieldManager, "field-manager", apiclient.DefaultFieldManager, "in a cluster: name of the manager of the file's fields")
	complete(cmd, "field-manager", cobra.NoFileCompletions)
}

// onlyInCluster fails if one of the flags is given with --local.
func onlyInCluster(cmd *cobra.Command, flags ...string) error {
	for _, name := range flags {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s cannot be used with --local", name)
		}
	}
	return nil
}

// clusterUp applies labs and waits for the results of all nodes.
func (a *app) clusterUp(ctx context.Context, files, command []string, o clusterUpOptions) error {
	if len(command) > 0 {
		return errors.New("-- COMMAND needs --local: a lab of a cluster does not end with a command")
	}
	c, docs, err := a.readForCluster(files)
	if err != nil {
		return err
	}
	applied, err := a.applyAll(ctx, c, docs, o.apply)
	limited, cancel := withTimeout(ctx, o.timeout)
	defer cancel()
	errs := []error{err}
	for _, key := range applied {
		if ctx.Err() == nil {
			errs = append(errs, a.waitFor(limited, c, key, goalReady, o.timeout))
		}
	}
	if ctx.Err() != nil {
		a.sayTheyStay(applied)
		return exitError(exitInterrupted)
	}
	return allFailures(errs)
}

// readForCluster reads labs whose namespace is the kubeconfig's unless they or the command line name one.
func (a *app) readForCluster(files []string) (*cluster, []manifest.Document, error) {
	c, err := a.connect()
	if err != nil {
		return nil, nil, err
	}
	docs, err := manifest.Check(files, manifest.Options{Namespace: a.namespace(), Default: c.namespace, Stdin: a.in})
	return c, docs, err
}

func (a *app) applyAll(ctx context.Context, c *cluster, docs []manifest.Document, o apiclient.ApplyOptions) (done []apiclient.Key, err error) {
	var errs []error
	for _, doc := range docs {
		object, err := doc.Object()
		if err != nil {
			return done, err
		}
		key := apiclient.Key{Namespace: doc.Lab.Namespace, Name: doc.Lab.Name}
		applied, err := c.Apply(ctx, object, o)
		if err != nil {
			errs = append(errs, fmt.Errorf("apply %s: %w", key, err))
			continue
		}
		fmt.Fprintf(a.out, "%s %s\n", key, whatApplied(applied))
		done = append(done, key)
	}
	return done, errors.Join(errs...)
}

func whatApplied(applied apiclient.Applied) string {
	switch {
	case applied.Before == nil:
		return "created"
	case applied.Changed():
		return "configured"
	}
	return "unchanged"
}

// sayTheyStay says after an interruption what became of the labs: the cluster goes on without this program.
func (a *app) sayTheyStay(labs []apiclient.Key) {
	if len(labs) == 0 {
		return
	}
	names := make([]string, len(labs))
	for i, key := range labs {
		names[i] = key.String()
	}
	fmt.Fprintf(a.terminal.err, "interrupted: the cluster keeps %s; status and wait show the result, down removes what up applied\n", strings.Join(names, ", "))
}
