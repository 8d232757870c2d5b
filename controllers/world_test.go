// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/agent"
	"github.com/netlab-dev/netlab/controllers/agent/agenttest"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/summary"
)

const systemNamespace = "netlab-system"

// world is a cluster of one node: a real API server, the controller, and an agent on a kernel
// that is not real. Both may do what config/rbac and config/admission let them, and no more.
type world struct {
	*testing.T
	admin     client.Client
	namespace string
	node      string
	kernel    *fake.Kernel
	// writes counts the requests of agent and controller that are not reads.
	writes atomic.Int64
	// stop ends the agent, which leaves its labs.
	stop func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, admin: adminClient(t), kernel: fake.New()}
	installRights(t, w.admin)
	w.namespace = newNamespace(t, w.admin)
	w.node = "node-of-" + w.namespace
	node := &corev1.Node{}
	node.Name = w.node
	node.Labels = map[string]string{"pool": w.namespace}
	create(t, w.admin, node)
	pod := w.agentPod()
	w.run(w.as("netlab-controller", ""), summary.Cache(systemNamespace), func(_ context.Context, mgr manager.Manager) error {
		return summary.Setup(mgr)
	})
	w.startAgent(pod)
	return w
}

// startAgent runs an agent as pod's container would.
func (w *world) startAgent(pod *corev1.Pod) {
	w.Helper()
	w.stop = w.run(w.as("netlab-agent", w.node), agent.Cache(w.node), func(ctx context.Context, mgr manager.Manager) error {
		return agent.Setup(ctx, mgr, agent.Options{
			NodeName:      w.node,
			Identity:      v1alpha1.AgentIdentity{PodUID: pod.UID, Version: "test"},
			Symlinks:      true,
			ComparePeriod: 100 * time.Millisecond,
			SweepPeriod:   100 * time.Millisecond,
			WritePause:    100 * time.Millisecond,
			Machine:       agent.Machine{Kernel: w.kernel, Watch: agenttest.Watch(w.kernel), Dial: agenttest.Dial(w.kernel)},
		})
	})
}

// run starts a manager, and stops it at the end of the test at the latest.
func (w *world) run(config *rest.Config, options cache.Options, setup func(context.Context, manager.Manager) error) (stop func()) {
	w.Helper()
	scheme, err := cluster.Scheme()
	if err != nil {
		w.Fatal(err)
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Cache: options, Metrics: server.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
	})
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := setup(ctx, mgr); err != nil {
		w.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Errorf("the manager: %v", err)
		}
	})
	w.Cleanup(stop)
	return stop
}

// as is the API server as a service account sees it, from a pod on a node.
func (w *world) as(account, node string) *rest.Config {
	config := api.Config(w.T)
	config.Impersonate = impersonate(account, node)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return countWrites{next, &w.writes} })
	return config
}

func impersonate(account, node string) rest.ImpersonationConfig {
	return rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + systemNamespace + ":" + account,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + systemNamespace, "system:authenticated"},
		Extra:    map[string][]string{"authentication.kubernetes.io/node-name": {node}},
	}
}

type countWrites struct {
	next  http.RoundTripper
	count *atomic.Int64
}

func (c countWrites) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "/events") {
		c.count.Add(1)
	}
	return c.next.RoundTrip(r)
}

// installRights applies config/rbac and config/admission, once for all tests.
func installRights(t *testing.T, c client.Client) {
	t.Helper()
	ns := &corev1.Namespace{}
	ns.Name = systemNamespace
	if err := c.Create(t.Context(), ns); client.IgnoreAlreadyExists(err) != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"rbac", "admission"} {
		files, err := filepath.Glob(filepath.Join("..", "config", dir, "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in config/%s: %v", dir, err)
		}
		for _, file := range files {
			for _, o := range readObjects(t, file) {
				if o.GetKind() == "Kustomization" {
					continue
				}
				if err := c.Create(t.Context(), o); client.IgnoreAlreadyExists(err) != nil {
					t.Fatalf("%s: %v", file, err)
				}
			}
		}
	}
}

// agentPod is a Ready pod of the agent on the world's node.
func (w *world) agentPod() *corev1.Pod {
	w.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, GenerateName: "netlab-agent-", Labels: map[string]string{"app.kubernetes.io/name": "netlab-agent"}},
		Spec: corev1.PodSpec{
			NodeName:   w.node,
			Containers: []corev1.Container{{Name: "agent", Image: "netlab-agent"}},
		},
	}
	pod.Spec.ServiceAccountName = "netlab-agent"
	create(w.T, w.admin, pod)
	w.setReady(pod, corev1.ConditionTrue)
	return pod
}

func (w *world) setReady(pod *corev1.Pod, ready corev1.ConditionStatus) {
	w.Helper()
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready, LastTransitionTime: metav1.Now()}}
	if err := w.admin.Status().Update(w.Context(), pod); err != nil {
		w.Fatal(err)
	}
}

// lab returns the lab as it is now.
func (w *world) lab(name string) *v1alpha1.NetLab {
	lab := &v1alpha1.NetLab{}
	if err := w.admin.Get(w.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, lab); err != nil {
		w.Fatal(err)
	}
	return lab
}

// edit changes a lab's spec and returns the new generation.
func (w *world) edit(name string, change func(*v1alpha1.NetLabSpec)) {
	w.Helper()
	for {
		lab := w.lab(name)
		change(&lab.Spec)
		err := w.admin.Update(w.Context(), lab)
		if apierrors.IsConflict(err) {
			continue
		}
		if err != nil {
			w.Fatal(err)
		}
		return
	}
}

// await waits until the lab's conditions of its current generation are as given, in the form
// "Ready=True/Ready".
func (w *world) await(name string, want ...string) {
	w.Helper()
	eventually(w.T, fmt.Sprint(want), func(context.Context) (bool, string) {
		lab := w.lab(name)
		seen := conditionsOf(lab)
		for _, condition := range want {
			if lab.Status.ObservedGeneration != lab.Generation || !strings.Contains(seen+" ", " "+condition+" ") {
				return false, fmt.Sprintf("generation %d of %d:%s\n%+v", lab.Status.ObservedGeneration, lab.Generation, seen, w.report())
			}
		}
		return true, ""
	})
}

// conditionsOf is " Ready=True/Ready Accepted=…".
func conditionsOf(lab *v1alpha1.NetLab) string {
	var b strings.Builder
	for _, c := range lab.Status.Conditions {
		fmt.Fprintf(&b, " %s=%s/%s", c.Type, c.Status, c.Reason)
	}
	return b.String()
}

func (w *world) message(name, condition string) string {
	c := meta.FindStatusCondition(w.lab(name).Status.Conditions, condition)
	if c == nil {
		return ""
	}
	return c.Message
}

// report is what the node's agent reports.
func (w *world) report() v1alpha1.NetLabNodeStateStatus {
	state := &v1alpha1.NetLabNodeState{}
	if err := w.admin.Get(w.Context(), client.ObjectKey{Name: w.node}, state); err != nil {
		return v1alpha1.NetLabNodeStateStatus{}
	}
	return state.Status
}
