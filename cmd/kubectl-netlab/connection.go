// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/apiclient"
)

// connection is what selects the cluster, the user and the namespace: kubectl's flags.
type connection struct {
	kubeconfig string
	overrides  clientcmd.ConfigOverrides
	userExtra  []string
}

// shownFlags are those of kubectl's flags that help shows. The others work as well.
var shownFlags = map[string]string{
	"as":        "user to impersonate",
	"as-group":  "group to impersonate; may be repeated",
	"cluster":   "kubeconfig cluster to use",
	"context":   "kubeconfig context to use",
	"namespace": "namespace of the lab (default: the one in the file, else \"default\" or the kubeconfig's)",
	"user":      "kubeconfig user to use",
}

func (c *connection) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "path of the kubeconfig file")
	names := clientcmd.RecommendedConfigOverrideFlags("")
	names.ClusterOverrideFlags.APIServer.ShortName = "s"
	kubectl := pflag.NewFlagSet("kubectl", pflag.ContinueOnError)
	clientcmd.BindOverrideFlags(&c.overrides, kubectl, names)
	kubectl.StringArrayVar(&c.userExtra, "as-user-extra", nil, "User extras to impersonate, as KEY=VALUE")
	kubectl.VisitAll(func(flag *pflag.Flag) {
		usage, shown := shownFlags[flag.Name]
		flag.Usage, flag.Hidden = cmp.Or(usage, flag.Usage), !shown
		flags.AddFlag(flag)
	})
}

// namespace is empty unless the command line names one.
func (c *connection) namespace() string { return c.overrides.Context.Namespace }

// load reads the kubeconfig as kubectl does.
func (c *connection) load() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	overrides := c.overrides
	overrides.AuthInfo.ImpersonateUserExtra = map[string][]string{}
	for _, extra := range c.userExtra {
		if key, value, ok := strings.Cut(extra, "="); ok {
			overrides.AuthInfo.ImpersonateUserExtra[key] = append(overrides.AuthInfo.ImpersonateUserExtra[key], value)
		}
	}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &overrides)
}

// explained adds to an error of the API server what a person can do about it.
func explained(err error) error {
	if hint := hintOn(err); hint != "" {
		return fmt.Errorf("%w\n%s", err, hint)
	}
	return err
}

func hintOn(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return hintOnNetwork(err)
	}
	details := status.Status().Details
	switch {
	case apiclient.NotInstalled(err):
		return "the API server does not know NetLabs: install NetLab in the cluster, or select another with --context"
	case apierrors.IsUnauthorized(err):
		return "the API server does not accept these credentials: log in again, or select others with --context or --user"
	case details != nil && details.Kind == "namespaces" && apierrors.IsNotFound(err):
		return "create the namespace first: kubectl create namespace " + details.Name
	case apierrors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict):
		return "another field manager set these fields to other values: take them out of the file, or take them over with --force-conflicts"
	case details == nil || details.Group != v1alpha1.Group:
		return ""
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), " cannot "):
		return "ask an administrator for a role in the namespace: view reads labs, edit changes them; or select another account with --context, --user or --as"
	}
	return ""
}

func hintOnNetwork(err error) string {
	var request *url.Error
	var netErr net.Error
	unreachable := errors.As(err, &request) && (errors.As(err, &netErr) || strings.Contains(err.Error(), "x509: "))
	if unreachable || errors.Is(err, context.DeadlineExceeded) {
		return "the API server cannot be reached: is the cluster running? --context, --cluster or --server select another; --local is for labs on this machine"
	}
	return ""
}
