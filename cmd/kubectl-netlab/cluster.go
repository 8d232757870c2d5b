// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// cluster is an API server and the namespace that is meant there.
type cluster struct {
	client    client.Client
	namespace string
}

// connect reads the kubeconfig as kubectl does. NetLabs are the only resource ever asked for,
// so where they are served is not looked up.
func (a *app) connect() (*cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = a.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: a.context}
	overrides.Context.Namespace = a.namespace
	kubeconfig := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	rest, err := kubeconfig.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster (for labs on this machine: --local): %w", err)
	}
	namespace, _, err := kubeconfig.Namespace()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(v1alpha1.GroupVersion.WithKind("NetLab"), meta.RESTScopeNamespace)
	c, err := client.New(rest, client.Options{Scheme: scheme, Mapper: mapper})
	return &cluster{c, namespace}, err
}

func (c *cluster) lab(ctx context.Context, name string) (*v1alpha1.NetLab, error) {
	lab := &v1alpha1.NetLab{}
	err := c.client.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, lab)
	lab.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("NetLab"))
	return lab, err
}

func (c *cluster) labs(ctx context.Context) ([]v1alpha1.NetLab, error) {
	var list v1alpha1.NetLabList
	err := c.client.List(ctx, &list, client.InNamespace(c.namespace))
	return list.Items, err
}

func (a *app) clusterStatus(cmd *cobra.Command, names []string, output string) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		labs, err := c.labs(cmd.Context())
		if err != nil {
			return err
		}
		return a.print(output, labs, func() { a.printClusterList(labs) })
	}
	lab, err := c.lab(cmd.Context(), names[0])
	if err != nil {
		return err
	}
	if err := a.print(output, lab, func() { a.printClusterLab(lab) }); err != nil {
		return err
	}
	if condition(lab, v1alpha1.ConditionReady).Status != metav1.ConditionTrue {
		return errNotReady
	}
	return nil
}

// clusterExplain shows the diagnoses that the nodes have reported.
func (a *app) clusterExplain(cmd *cobra.Command, args []string) error {
	if len(args) == 3 {
		return errors.New("explain FROM TO works only with --local so far; in a cluster failing probes are explained: explain NAME [PROBE]")
	}
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
	reachable := condition(lab, v1alpha1.ConditionReachable)
	a.printCondition(reachable)
	if failing := a.printFailing(lab, named); failing == 0 && named != "" && reachable.Status == metav1.ConditionFalse {
		fmt.Fprintf(a.out, "no node reports that %s fails\n", named)
	}
	return nil
}

func checkProbe(lab *v1alpha1.NetLab, name string) error {
	for _, p := range lab.Spec.Probes {
		if p.Name == name {
			return nil
		}
	}
	return fmt.Errorf("%s/%s has no probe %q", lab.Namespace, lab.Name, name)
}

// condition is Unknown while the status speaks of an older spec.
func condition(lab *v1alpha1.NetLab, of string) metav1.Condition {
	unknown := metav1.Condition{Type: of, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonPending, Message: "nobody has looked at this generation yet"}
	found := meta.FindStatusCondition(lab.Status.Conditions, of)
	if found == nil || found.ObservedGeneration != lab.Generation {
		return unknown
	}
	return *found
}

func (a *app) printClusterLab(lab *v1alpha1.NetLab) {
	fmt.Fprintf(a.out, "%s/%s, ready on %s nodes\n", lab.Namespace, lab.Name, lab.Status.Nodes.Summary)
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
	if len(lab.Status.FailingProbes) > 0 {
		fmt.Fprintln(a.out)
	}
	a.printFailing(lab, "")
}

func (a *app) printCondition(c metav1.Condition) {
	fmt.Fprintf(a.out, "%s %s %s: %s\n", a.mark(c.Status), c.Type, c.Reason, c.Message)
}

// printFailing shows failing probes, all or those of one name, and counts them.
func (a *app) printFailing(lab *v1alpha1.NetLab, named string) (failing int) {
	for _, p := range lab.Status.FailingProbes {
		if named == "" || p.Name == named {
			failing++
			fmt.Fprintf(a.out, "%s %s (%s) on %s %s: %s\n", a.mark(metav1.ConditionFalse), p.Name, p.Family, p.Node, p.Reason, p.Message)
		}
	}
	return failing
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
