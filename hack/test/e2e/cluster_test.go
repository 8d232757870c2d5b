// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// system is where NetLab's own pods are.
const system = "netlab-system"

// api is the cluster of $KUBECONFIG, with the rights of the user who runs the suite.
var api struct {
	client.WithWatch
	config *rest.Config
}

func connect() error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster: %w; set KUBECONFIG or run make e2e", err)
	}
	config.QPS, config.Burst = -1, -1 // what is measured is not this client
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	api.config = config
	programs, err := filepath.Abs("../../../bin")
	if err != nil {
		return err
	}
	if err := os.Setenv("PATH", programs+":"+os.Getenv("PATH")); err != nil { // kubectl finds kubectl-netlab there
		return err
	}
	api.WithWatch, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	return err
}

// install does what a user does, and waits until every agent and the controller are Ready.
func install() error {
	_, err := try("kubectl", "apply", "-f", installManifest)
	if err != nil {
		return err
	}
	return rolledOut()
}

// rolledOut waits until every agent and the controller are of the newest version and Ready.
func rolledOut() error {
	for _, workload := range []string{"daemonset/netlab-agent", "deployment/netlab-controller"} {
		if _, err := try("kubectl", "-n", system, "rollout", "status", workload, "--timeout=110s"); err != nil {
			return err
		}
	}
	return nil
}

// logCluster shows what a story that failed leaves to look at.
func logCluster(t *testing.T) {
	t.Helper()
	for _, question := range [][]string{
		{"get", "netlabs,pods", "--all-namespaces", "-o", "wide"},
		{"get", "nodes,netlabnodestates", "-o", "wide"},
		{"-n", system, "logs", "-l", "app.kubernetes.io/part-of=netlab", "--prefix", "--tail=15"},
	} {
		out, err := try("kubectl", question...)
		t.Logf("kubectl %s: %v\n%s", strings.Join(question, " "), err, out)
	}
}

// patience ends a command that hangs. The test's own context would not do: it has ended when
// cleaning up begins.
const patience = 2 * time.Minute

// try runs a command and returns what it printed.
func try(name string, args ...string) (string, error) {
	out, _, err := execute(name, args...)
	return out, err
}

// execute runs a command and returns its standard output and its standard error.
func execute(name string, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out, said bytes.Buffer
	command := exec.CommandContext(ctx, name, args...)
	command.Stdout, command.Stderr = &out, &said
	err = command.Run()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(name), strings.Join(args, " "), errors.Join(err, ctx.Err()), out.String(), said.String())
	}
	return out.String(), said.String(), err
}

func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := try("kubectl", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lasting goes on when the story has ended: cleaning up needs the API server, too.
func lasting(t *testing.T) context.Context { return context.WithoutCancel(t.Context()) }

// eventually waits until ok says so, and returns how long that took; what says what was waited
// for. The bound is there to end a story that failed.
func eventually(t *testing.T, within time.Duration, what string, ok func() error) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		err := ok()
		if err == nil {
			return time.Since(start)
		}
		if time.Since(start) > within {
			t.Fatalf("not within %s: %s: %v", within, what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// ensure creates objects that are not there yet, and removes them when the story ends.
func ensure(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := api.Create(t.Context(), o); err != nil {
			if apierrors.IsAlreadyExists(err) {
				continue
			}
			t.Fatalf("create %s: %v", o.GetName(), err)
		}
		t.Cleanup(func() { client.IgnoreNotFound(api.Delete(lasting(t), o)) }) //nolint:errcheck // a namespace may have taken it along
	}
}
