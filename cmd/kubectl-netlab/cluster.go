// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/apiclient"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/nodeexec"
	"github.com/netlab-dev/netlab/controllers/status"
)

// cluster is an API server and a namespace of it; an empty namespace means all.
type cluster struct {
	*apiclient.Client
	config    *rest.Config
	namespace string
}

// connect reads the kubeconfig as kubectl does.
func (a *app) connect() (*cluster, error) {
	kubeconfig := a.load()
	config, err := kubeconfig.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster (use --local for labs on this machine): %w", err)
	}
	namespace, _, err := kubeconfig.Namespace()
	if err != nil {
		return nil, err
	}
	c, err := apiclient.New(config)
	return &cluster{c, config, namespace}, err
}

func (c *cluster) key(name string) apiclient.Key {
	return apiclient.Key{Namespace: c.namespace, Name: name}
}

func (c *cluster) lab(ctx context.Context, name string) (*v1alpha1.NetLab, error) {
	return c.Lab(ctx, c.key(name))
}

// clusterExplain shows the diagnoses that the nodes have reported.
func (a *app) clusterExplain(cmd *cobra.Command, args []string, output string) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	lab, err := c.lab(cmd.Context(), args[0])
	if err != nil {
		return err
	}
	named := ""
	if len(args) == 2 {
		named = args[1]
		if err := checkProbe(lab, named); err != nil {
			return err
		}
	}
	if output == "svg" {
		return a.drawReported(lab, named)
	}
	return a.print(output, reportOf(lab, named), func() { a.printReported(lab, named) })
}

// failing are the failing probes, all or those of one name. Those of an older generation may pass now.
func failing(lab *v1alpha1.NetLab, named string) []v1alpha1.FailingProbe {
	found := []v1alpha1.FailingProbe{}
	if lab.Status.ObservedGeneration != lab.Generation {
		return found
	}
	for _, p := range lab.Status.FailingProbes {
		if named == "" || p.Name == named {
			found = append(found, p)
		}
	}
	return found
}

func checkProbe(lab *v1alpha1.NetLab, name string) error {
	for _, p := range lab.Spec.Probes {
		if p.Name == name {
			return nil
		}
	}
	return fmt.Errorf("%s/%s has no probe %q; its probes: %s", lab.Namespace, lab.Name, name, cmp.Or(strings.Join(probeNames(lab), ", "), "none"))
}

func probeNames(lab *v1alpha1.NetLab) []string {
	names := make([]string, len(lab.Spec.Probes))
	for i, p := range lab.Spec.Probes {
		names[i] = p.Name
	}
	return names
}

// condition is Unknown while the status describes an older generation.
func condition(lab *v1alpha1.NetLab, of string) metav1.Condition {
	unknown := metav1.Condition{Type: of, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonPending, Message: "this generation has not been observed yet"}
	found := meta.FindStatusCondition(lab.Status.Conditions, of)
	if found == nil || found.ObservedGeneration != lab.Generation {
		return unknown
	}
	return *found
}

func (a *app) printClusterLab(lab *v1alpha1.NetLab) {
	fmt.Fprintf(a.out, "%s/%s, ready on %s nodes\n", lab.Namespace, lab.Name, cmp.Or(lab.Status.Nodes.Summary, "0"))
	for _, of := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionAccepted, v1alpha1.ConditionRealized, v1alpha1.ConditionReachable} {
		a.printCondition(condition(lab, of))
	}
	if len(lab.Status.NodeSummaries) > 0 {
		fmt.Fprintln(a.out)
		a.table(func(w io.Writer) {
			fmt.Fprintln(w, "NODE\tREADY\tREASON\tMESSAGE")
			for _, n := range lab.Status.NodeSummaries {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", n.Name, n.Ready, n.Reason, n.Message)
			}
		})
	}
	if n := lab.Status.NodeSummariesOmitted; n > 0 {
		fmt.Fprintf(a.out, "the status has no room for %s\n", status.CountOf(int(n), "more node"))
	}
	if len(lab.Status.FailingProbes) > 0 {
		fmt.Fprintln(a.out)
	}
	a.printFailing(lab, "")
}

func (a *app) printCondition(c metav1.Condition) {
	fmt.Fprintf(a.out, "%s %s %s: %s\n", a.mark(c.Status), c.Type, c.Reason, c.Message)
}

// printFailing shows failing probes, all or those of one name, and counts them.
func (a *app) printFailing(lab *v1alpha1.NetLab, named string) int {
	probes := failing(lab, named)
	for _, p := range probes {
		fmt.Fprintf(a.out, "%s %s (%s) on %s %s: %s\n", a.mark(metav1.ConditionFalse), p.Name, p.Family, nodesOf(p), p.Reason, messageOf(lab, p))
	}
	if omitted := lab.Status.FailingProbesOmitted; omitted > 0 && len(probes) > 0 {
		fmt.Fprintf(a.out, "the status has no room for %s of these probes\n", status.CountOf(int(omitted), "further cause"))
	}
	return len(probes)
}

func (a *app) printClusterList(labs []v1alpha1.NetLab) {
	a.table(func(w io.Writer) {
		fmt.Fprintln(w, "NAMESPACE\tNAME\tREADY\tREASON\tNODES")
		for i := range labs {
			c := condition(&labs[i], v1alpha1.ConditionReady)
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", labs[i].Namespace, labs[i].Name, c.Status, c.Reason, labs[i].Status.Nodes.Summary)
		}
	})
}

// agent is the agent's Pod on the selected node.
func (c *cluster) agent(ctx context.Context, name string, w where) (*nodeexec.Cluster, *corev1.Pod, error) {
	lab, err := c.lab(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	nodes, err := nodeexec.New(c.config)
	if err != nil {
		return nil, nil, err
	}
	agent, err := nodes.Agent(ctx, w.agentNamespace, lab, w.node)
	return nodes, agent, err
}
