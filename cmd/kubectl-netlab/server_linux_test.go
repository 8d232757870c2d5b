// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/hack/test/apiserver"
	"github.com/netlab-dev/netlab/hack/test/story"
)

// The stories of testdata/cluster run this program against a real API server. No controller runs:
// "report LAB STATUS.yaml" writes the status that one would write of the lab's generation.
func TestStoriesInACluster(t *testing.T) {
	server := apiserver.New("make test", "../../config/crd/bases")
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	config := server.Config(t)
	admin := adminOf(t, config)
	kubeconfig := server.Kubeconfig(t)
	admin.applyFile("../../config/rbac/users.yaml")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/cluster",
		WorkdirRoot:         t.TempDir(),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			namespace := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
			admin.namespace(namespace)
			env.Setenv("NS", namespace)
			env.Setenv("KUBECONFIG", kubeconfig)
			return admin.anonymous(filepath.Join(env.WorkDir, "anonymous"), config)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": story.Exits, "report": admin.report, "await": admin.await, "interrupted": interrupted, "has": has},
	})
}

// administrator writes what other programs write.
type administrator struct {
	*testing.T
	client.Client
}

func adminOf(t *testing.T, config *rest.Config) administrator {
	t.Helper()
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, add := range []func() error{
		func() error { return v1alpha1.AddToScheme(c.Scheme()) },
		func() error { return corev1.AddToScheme(c.Scheme()) },
		func() error { return rbacv1.AddToScheme(c.Scheme()) },
	} {
		if err := add(); err != nil {
			t.Fatal(err)
		}
	}
	return administrator{t, c}
}

// namespace has a tenant, who may edit labs, and a viewer.
func (a administrator) namespace(name string) {
	objects := []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}}
	get := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "get"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{v1alpha1.Group}, Resources: []string{"netlabs"}, Verbs: []string{"get"}},
	}}
	objects = append(objects, get, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "getter"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: "getter"}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: get.Name},
	})
	for user, role := range map[string][]string{"editor": {"netlab-view", "netlab-edit"}, "viewer": {"netlab-view"}} {
		for _, r := range role {
			objects = append(objects, &rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: user + "-" + r},
				Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: user}},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: r},
			})
		}
	}
	for _, o := range objects {
		if err := a.Create(a.Context(), o); err != nil {
			a.Fatal(err)
		}
	}
}

// anonymous writes a kubeconfig without credentials.
func (a administrator) anonymous(path string, config *rest.Config) error {
	return clientcmd.WriteToFile(api.Config{
		Clusters:       map[string]*api.Cluster{"c": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		Contexts:       map[string]*api.Context{"c": {Cluster: "c"}},
		CurrentContext: "c",
	}, path)
}

func (a administrator) applyFile(path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		a.Fatal(err)
	}
	for part := range bytes.SplitSeq(data, []byte("\n---\n")) {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(part, &object.Object); err != nil {
			a.Fatal(err)
		}
		if err := a.Create(a.Context(), object); err != nil {
			a.Fatal(err)
		}
	}
}

// report writes the status of a file into a lab, as of its generation.
func (a administrator) report(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: report LAB STATUS.yaml")
	}
	lab := &v1alpha1.NetLab{}
	ts.Check(a.Get(a.Context(), client.ObjectKey{Namespace: ts.Getenv("NS"), Name: args[0]}, lab))
	var status v1alpha1.NetLabStatus
	ts.Check(yaml.UnmarshalStrict([]byte(ts.ReadFile(args[1])), &status))
	status.ObservedGeneration = lab.Generation
	for i := range status.Conditions {
		status.Conditions[i].ObservedGeneration, status.Conditions[i].LastTransitionTime = lab.Generation, metav1.Now()
	}
	lab.Status = status
	ts.Check(a.Status().Update(a.Context(), lab))
}

// await waits until a lab exists.
func (a administrator) await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await LAB")
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if a.Get(a.Context(), client.ObjectKey{Namespace: ts.Getenv("NS"), Name: args[0]}, &v1alpha1.NetLab{}) == nil {
			return
		}
	}
	ts.Fatalf("there is no lab %s", args[0])
}

// has waits until a file has what an expression matches.
func has(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: has FILE EXPRESSION")
	}
	expression, found := regexp.MustCompile(args[1]), []byte(nil)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		found, _ = os.ReadFile(ts.MkAbs(args[0]))
		if expression.Match(found) {
			return
		}
	}
	ts.Fatalf("%s has no %q, but:\n%s", args[0], args[1], found)
}

// interrupted runs a program, interrupts it when it has printed a line, and wants an exit code.
func interrupted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupted CODE PROGRAM ARGUMENT…")
	}
	story.Exits(ts, false, append([]string{args[0], "sh", "-c", `
		mkfifo line
		"$@" >line & program=$!
		exec 3<line
		read -r first <&3
		kill -INT $program
		wait $program`, "sh"}, args[1:]...))
}
