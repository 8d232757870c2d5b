// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// completionLimit is how long a shell may wait for names from a cluster.
const completionLimit = 3 * time.Second

// completer is what cobra asks for the words an argument may be.
type completer = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

func complete(cmd *cobra.Command, flag string, words completer) {
	if err := cmd.RegisterFlagCompletionFunc(flag, words); err != nil {
		panic(err) // there is no such flag
	}
}

func outputFlag(cmd *cobra.Command, output *choice) {
	cmd.Flags().VarP(output, "output", "o", "how to print it")
	complete(cmd, "output", cobra.FixedCompletions(output.allowed, cobra.ShellCompDirectiveNoFileComp))
}

// words are the names in a lab that the next argument may be.
type words func(lab *v1alpha1.NetLab, args []string) []string

// completeLab completes the name of a lab, and then with each of next one argument more. What
// cannot be found out is not completed.
func (a *app) completeLab(next ...words) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionLimit)
		defer cancel()
		var found []string
		switch {
		case len(args) == 0:
			found, _ = a.labNames(ctx)
		case len(args) <= len(next):
			if lab, err := a.described(ctx, args[0]); err == nil {
				found = next[len(args)-1](lab, args)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeLabs completes one name after the other.
func (a *app) completeLabs(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return a.completeLab()(cmd, nil, toComplete)
}

func (a *app) labNames(ctx context.Context) (names []string, err error) {
	if a.local {
		m, err := a.machine()
		if err != nil {
			return nil, err
		}
		labs, err := m.Labs(ctx, a.labNamespace())
		for _, id := range labs {
			names = append(names, id.Name)
		}
		return names, err
	}
	c, err := a.connect()
	if err != nil {
		return nil, err
	}
	labs, err := c.labs(ctx)
	for i := range labs {
		names = append(names, labs[i].Name)
	}
	return names, err
}

// described is a lab as somebody described it.
func (a *app) described(ctx context.Context, name string) (*v1alpha1.NetLab, error) {
	if a.local {
		m, err := a.machine()
		if err != nil {
			return nil, err
		}
		return m.Load(ctx, a.labNamespace(), name)
	}
	c, err := a.connect()
	if err != nil {
		return nil, err
	}
	return c.lab(ctx, name)
}

func nodeNames(lab *v1alpha1.NetLab, _ []string) []string {
	var names []string
	for _, n := range lab.Spec.Namespaces {
		names = append(names, n.Name)
	}
	for _, r := range lab.Spec.Routers {
		names = append(names, r.Name)
	}
	return names
}

func probesOrNodes(lab *v1alpha1.NetLab, args []string) []string {
	return append(probeNames(lab), nodeNames(lab, args)...)
}

// interfaceNames are those of the node that the argument before names.
func interfaceNames(lab *v1alpha1.NetLab, args []string) []string {
	names := map[string]bool{"lo": true}
	for _, l := range lab.Spec.Links {
		for _, e := range l.Endpoints {
			switch {
			case e.Name != args[len(args)-1]:
			case e.Interface != "":
				names[e.Interface] = true
			default:
				names[l.Name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// completeClusterNode completes --node with the nodes that report the lab.
func (a *app) completeClusterNode(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if len(args) > 0 && !a.local {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionLimit)
		defer cancel()
		if lab, err := a.described(ctx, args[0]); err == nil {
			for _, n := range lab.Status.NodeSummaries {
				names = append(names, n.Name)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeNamespace knows only those of local labs: who may get a lab need not be allowed to
// list namespaces.
func (a *app) completeNamespace(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	names := map[string]bool{}
	if !a.local {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if m, err := a.machine(); err == nil {
		labs, _ := m.Labs(cmd.Context(), "")
		for _, id := range labs {
			names[id.Namespace] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeContext(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	config, err := a.clientConfig().RawConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(config.Contexts)), cobra.ShellCompDirectiveNoFileComp
}
