// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/agent"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// looksPerSecond bounds what comparing kernels that never change takes of this machine: agents
// of a large fleet compare less often than real ones. A compare writes nothing.
const looksPerSecond = 400

// agents is what the agents of a fleet share.
type agents struct {
	options options
	cluster *apiServer
	scheme  *runtime.Scheme
	mapper  meta.RESTMapper
	cache   cache.Cache
	// nodes and states tell each agent of its own.
	nodes, states *switchboard
	plans         *plans
	// reports counts the reports of each agent; failed is the first agent that ended.
	reports []atomic.Int64
	failed  chan error
}

// start runs the agent of a node until ctx ends.
func (a *agents) start(ctx context.Context, i int, node string, pod types.UID) error {
	config := a.cluster.agentConfig(node)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &reportCounter{next, &a.reports[i]} })
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:         a.scheme,
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return a.mapper, nil },
		NewCache: func(*rest.Config, cache.Options) (cache.Cache, error) {
			return &ownCache{a.cache, node, a.nodes, a.states}, nil
		},
		Metrics:                server.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
	})
	if err != nil {
		return fmt.Errorf("make the agent of %s: %w", node, err)
	}
	k := newKernel(a.plans)
	err = agent.Setup(ctx, mgr, agent.Options{
		NodeName:      node,
		Identity:      v1alpha1.AgentIdentity{PodUID: pod, Version: "fleet"},
		Symlinks:      true,
		ComparePeriod: a.comparePeriod(),
		WritePause:    a.options.pause,
		Machine: agent.Machine{
			Kernel: k,
			Watch:  watchNothing,
			Dial: func(ctx context.Context, from string, o probe.Options) (probe.Conn, error) {
				return dialEcho(ctx, from, o)
			},
		},
	})
	if err != nil {
		return fmt.Errorf("set up the agent of %s: %w", node, err)
	}
	go func() {
		if err := mgr.Start(ctx); err != nil && ctx.Err() == nil {
			a.failed <- fmt.Errorf("the agent of %s: %w", node, err)
		}
	}()
	return nil
}

func (a *agents) comparePeriod() time.Duration {
	return max(agent.DefaultComparePeriod, time.Duration(a.options.nodes*a.options.labs)*time.Second/looksPerSecond)
}

// watchNothing is how events come from a kernel in which nothing ever happens.
func watchNothing(ctx context.Context) (<-chan string, error) {
	events := make(chan string)
	context.AfterFunc(ctx, func() { close(events) })
	return events, nil
}

// reportCounter counts writes of NetLabNodeStates.
type reportCounter struct {
	next  http.RoundTripper
	count *atomic.Int64
}

// RoundTrip passes the request on.
func (c *reportCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.next.RoundTrip(r)
	if err == nil && r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/netlabnodestates/") && answer.StatusCode == http.StatusOK {
		c.count.Add(1)
	}
	return answer, err
}
