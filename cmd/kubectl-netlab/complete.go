// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// completionLimit is how long a shell may wait for names from a cluster.
const completionLimit = 3 * time.Second

// completer is cobra's type of a completion function.
type completer = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

func complete(cmd *cobra.Command, flag string, words completer) {
	if err := cmd.RegisterFlagCompletionFunc(flag, words); err != nil {
		panic(err) // there is no such flag
	}
}

// completeFiles leaves the completion to the shell: without it no flag of this program takes a file.
func completeFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

func outputFlag(cmd *cobra.Command, output *choice) {
	cmd.Flags().VarP(output, "output", "o", "output format")
	complete(cmd, "output", cobra.FixedCompletions(output.allowed, cobra.ShellCompDirectiveNoFileComp))
}

// words are what the next argument may be in a lab, after the name of the lab and args.
type words func(described *v1alpha1.NetLab, args []string) []string

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
			if described, err := a.described(ctx, args[0]); err == nil {
				found = next[len(args)-1](described, args[1:])
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// unless completes nothing where the verb takes no argument.
func unless(refused func() bool, words completer) completer {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if refused() {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return words(cmd, args, toComplete)
	}
}

// beforeDash completes arguments; behind -- the shell completes the files that a command may take. Cobra
// does not say whether -- was typed until another argument follows it.
func beforeDash(command func() bool, words completer) completer {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if at := cmd.ArgsLenAtDash(); at < 0 || at >= len(args) {
			return words(cmd, args, toComplete)
		}
		if command() {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeLabs completes one name after the other, each once.
func (a *app) completeLabs(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	names, directive := a.completeLab()(cmd, nil, toComplete)
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) }), directive
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
	labs, err := c.Labs(ctx, c.namespace)
	for i := range labs {
		names = append(names, labs[i].Name)
	}
	return names, err
}

// described is the stored description of a lab.
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

// compiled is nil where the lab cannot be built.
func compiled(described *v1alpha1.NetLab) *lab.Lab {
	built, err := local.Compile(described, lab.Options{})
	if err != nil {
		return nil
	}
	return built
}

// nodeNames are those that exec and capture take.
func nodeNames(described *v1alpha1.NetLab, _ []string) []string {
	return lab.NodeNames(&described.Spec)
}

// sources are the nodes that can ask: those with an address.
func sources(described *v1alpha1.NetLab, _ []string) []string {
	built := compiled(described)
	if built == nil {
		return nil
	}
	return slices.DeleteFunc(built.Nodes, func(name string) bool { return len(built.Addresses[name]) == 0 })
}

func probesOrSources(described *v1alpha1.NetLab, args []string) []string {
	names := probeNames(described)
	for _, node := range sources(described, args) {
		if !slices.Contains(names, node) {
			names = append(names, node)
		}
	}
	return names
}

// targets are the nodes and addresses that the node before can ask: those of a family that it has.
func targets(described *v1alpha1.NetLab, args []string) []string {
	built := compiled(described)
	if built == nil {
		return nil
	}
	source := built.Addresses[args[len(args)-1]]
	asks := func(a netip.Addr) bool {
		return slices.ContainsFunc(source, func(own netip.Addr) bool { return own.Is4() == a.Is4() })
	}
	names := slices.DeleteFunc(built.Nodes, func(name string) bool { return !slices.ContainsFunc(built.Addresses[name], asks) })
	addresses := map[netip.Addr]bool{}
	for id := range built.Want.Addresses() {
		if a := id.Prefix.Addr(); asks(a) && !state.IsLinkLocal(a) {
			addresses[a] = true
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(addresses), netip.Addr.Compare) {
		names = append(names, a.String())
	}
	return names
}

// interfaceNames are those of the node before.
func interfaceNames(described *v1alpha1.NetLab, args []string) []string {
	built := compiled(described)
	if built == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(built.Want[built.Identity.NetworkNamespace(args[len(args)-1])].Links))
}

// completeFlag completes a flag with words of the lab in the first argument.
func (a *app) completeFlag(next words) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var names []string
		if len(args) > 0 {
			names, _ = a.completeLab(next)(cmd, args[:1], "")
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

func linkNames(described *v1alpha1.NetLab, _ []string) []string {
	names := make([]string, len(described.Spec.Links))
	for i := range described.Spec.Links {
		names[i] = described.Spec.Links[i].Name
	}
	return names
}

// completeClusterNode completes --node with the nodes that report the lab.
func (a *app) completeClusterNode(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if len(args) > 0 && !a.local {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionLimit)
		defer cancel()
		if described, err := a.described(ctx, args[0]); err == nil {
			for _, n := range described.Status.NodeSummaries {
				names = append(names, n.Name)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeNamespace completes namespaces of local labs only: the right to get a lab does not include
// the right to list namespaces.
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

// completeKubeconfig completes names of the kubeconfig.
func (a *app) completeKubeconfig(names func(*api.Config) []string) completer {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		config, err := a.load().RawConfig()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return slices.Sorted(slices.Values(names(&config))), cobra.ShellCompDirectiveNoFileComp
	}
}
