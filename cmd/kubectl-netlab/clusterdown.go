// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/apiclient"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
)

// clusterDown deletes labs. Their nodes remove them; no finalizer waits for that.
func (a *app) clusterDown(ctx context.Context, names []string, o downOptions) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	labs, err := a.chosenInCluster(ctx, c, names, o)
	if err != nil {
		return err
	}
	var errs []error
	for _, key := range labs {
		err := c.Delete(ctx, key)
		switch {
		case apiclient.NotFound(err) && o.ignoreNotFound:
		case err != nil:
			errs = append(errs, fmt.Errorf("delete %s: %w", key, err))
		default:
			fmt.Fprintf(a.out, "%s deleted\n", key)
		}
	}
	return errors.Join(errs...)
}

// chosenInCluster are the labs that down deletes.
func (a *app) chosenInCluster(ctx context.Context, c *cluster, names []string, o downOptions) ([]apiclient.Key, error) {
	var labs []apiclient.Key
	for _, name := range names {
		labs = append(labs, c.key(name))
	}
	if o.all {
		all, err := c.Labs(ctx, c.namespace)
		for i := range all {
			labs = append(labs, client.ObjectKeyFromObject(&all[i]))
		}
		return labs, err
	}
	if len(o.files) == 0 {
		return labs, nil
	}
	docs, err := manifest.Read(o.files, manifest.Options{Namespace: a.namespace(), Default: c.namespace, Stdin: a.in})
	for _, doc := range docs {
		labs = append(labs, apiclient.Key{Namespace: doc.Lab.Namespace, Name: doc.Lab.Name})
	}
	return labs, err
}
