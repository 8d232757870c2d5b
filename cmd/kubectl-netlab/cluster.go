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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/nodeexec"
	"github.com/netlab-dev/netlab/controllers/status"
)

// cluster is an API server and a namespace of it; an empty namespace means all.
type cluster struct {
	config    *rest.Config
	client    client.Client
	namespace string
}

// connect reads the kubeconfig as kubectl does. NetLabs are the only resource it needs, so it makes
// no discovery requests.
func (a *app) connect() (*cluster, error) {
	kubeconfig := a.clientConfig()
	config, err := kubeconfig.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster (use --local for labs on this machine): %w", err)
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
	c, err := client.New(config, client.Options{Scheme: scheme, Mapper: mapper})
	return &cluster{config, c, namespace}, err
}

func (a *app) clientConfig() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = a.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: a.context}
	overrides.Context.Namespace = a.namespace
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
}

func (c *cluster) lab(ctx context.Context, name string) (*v1alpha1.NetLab, error) {
	stored, err := c.stored(ctx, name)
	if err != nil {
		return nil, err
	}
	lab := &v1alpha1.NetLab{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(stored.Object, lab); err != nil {
		return nil, fmt.Errorf("read lab %s/%s: %w", c.namespace, name, err)
	}
	return lab, nil
}

// stored is a lab as the API server has it, with the fields that this program does not know.
// If the lab does not exist, the error lists the labs that do.
func (c *cluster) stored(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	lab := &unstructured.Unstructured{}
	lab.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("NetLab"))
	err := c.client.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, lab)
	if !apierrors.IsNotFound(err) {
		return lab, err
	}
	// The right to get a lab does not include the right to list labs.
	others, listErr := c.labs(ctx)
	if listErr != nil {
		return nil, err
	}
	names := make([]string, len(others))
	for i := range others {
		names[i] = others[i].Name
	}
	return nil, fmt.Errorf("%w; the labs in namespace %s: %s", err, c.namespace, cmp.Or(strings.Join(names, ", "), "none"))
}

func (c *cluster) labs(ctx context.Context) ([]v1alpha1.NetLab, error) {
	var list v1alpha1.NetLabList
	err := c.client.List(ctx, &list, client.InNamespace(c.namespace))
	return list.Items, err
}

func (a *app) clusterStatus(cmd *cobra.Command, names []string, output string, allNamespaces bool) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	if allNamespaces {
		c.namespace = metav1.NamespaceAll
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
