// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/apiclient"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
)

// describedLab is a lab with its interfaces and addresses, which the spec alone determines.
type describedLab struct {
	*v1alpha1.NetLab `json:",inline"`
	// Nodes are the nodes of the lab, as every node of the cluster holds them.
	Nodes []local.DescribedNode `json:"nodes,omitempty"`
}

func describe(lab *v1alpha1.NetLab) describedLab {
	lab.ManagedFields = nil
	lab.APIVersion, lab.Kind = v1alpha1.GroupVersion.String(), "NetLab"
	compiled, err := compileForCluster(lab)
	if err != nil { // Accepted says why
		return describedLab{NetLab: lab}
	}
	return describedLab{lab, local.Described(compiled)}
}

func (a *app) clusterStatus(cmd *cobra.Command, names []string, o statusOptions) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	if o.allNamespaces {
		c.namespace = metav1.NamespaceAll
	}
	switch {
	case o.watch:
		return a.watchStatus(cmd.Context(), c, names, o.output)
	case len(names) == 0:
		labs, err := c.Labs(cmd.Context(), c.namespace)
		if err != nil {
			return err
		}
		return a.print(o.output, labs, func() { a.printClusterList(labs) })
	}
	lab, err := c.lab(cmd.Context(), names[0])
	if err != nil {
		return err
	}
	if err := a.printDescribed(o.output, lab); err != nil {
		return err
	}
	if condition(lab, v1alpha1.ConditionReady).Status != metav1.ConditionTrue {
		return errNotReady
	}
	return nil
}

func (a *app) printDescribed(output string, lab *v1alpha1.NetLab) error {
	described := describe(lab)
	return a.print(output, described, func() {
		a.printClusterLab(lab)
		a.printInterfaces(described.Nodes)
	})
}

// watchStatus prints a lab, or a line per lab, now and after every change, until it is interrupted.
func (a *app) watchStatus(ctx context.Context, c *cluster, names []string, output string) error {
	key := c.key("")
	if len(names) == 1 {
		key.Name = names[0]
	}
	show := a.watchedList(output)
	if key.Name != "" {
		show = a.watchedLab(output)
	}
	err := c.Follow(ctx, key, show)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (a *app) watchedLab(output string) func(apiclient.Seen) (bool, error) {
	first := true
	return func(seen apiclient.Seen) (bool, error) {
		if seen.Deleted {
			fmt.Fprintf(a.terminal.err, "%s/%s was deleted\n", seen.Namespace, seen.Name)
			return true, nil
		}
		if separator := map[string]string{"text": "\n", "yaml": "---\n"}[output]; !first {
			fmt.Fprint(a.out, separator)
		}
		first = false
		return false, errors.Join(a.printDescribed(output, seen.NetLab), a.out.failure())
	}
}

// watchedList prints columns of a fixed width: what comes later is not known.
func (a *app) watchedList(output string) func(apiclient.Seen) (bool, error) {
	const row = "%-20s  %-30s  %-7s  %-20s  %s\n"
	if output == "text" {
		fmt.Fprintf(a.out, row, "NAMESPACE", "NAME", "READY", "REASON", "NODES")
	}
	return func(seen apiclient.Seen) (bool, error) {
		ready := condition(seen.NetLab, v1alpha1.ConditionReady)
		if seen.Deleted {
			ready.Status, ready.Reason = "-", "Deleted"
		}
		err := a.print(output, seen.NetLab, func() {
			fmt.Fprintf(a.out, row, seen.Namespace, seen.Name, ready.Status, ready.Reason, seen.Status.Nodes.Summary)
		})
		return false, errors.Join(err, a.out.failure())
	}
}

// printInterfaces prints the interfaces that the spec describes.
func (a *app) printInterfaces(nodes []local.DescribedNode) {
	if len(nodes) == 0 {
		return
	}
	fmt.Fprintln(a.out)
	a.table(func(w io.Writer) {
		fmt.Fprintln(w, "LAB NODE\tINTERFACE\tPEER\tADDRESSES"+queueColumn(nodes, func(n local.DescribedNode) []local.Interface { return n.Interfaces }))
		for _, n := range nodes {
			if len(n.Interfaces) == 0 {
				fmt.Fprintf(w, "%s\t\t\t\n", n.Name)
			}
			for _, i := range n.Interfaces {
				row := []string{n.Name, i.Name, i.Peer, strings.Join(routable(i.Addresses), " ")}
				if i.Queue != "" {
					row = append(row, i.Queue)
				}
				fmt.Fprintln(w, strings.Join(row, "\t"))
			}
		}
	})
}
