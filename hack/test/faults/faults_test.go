// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"flag"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// TestMain runs the trials in a sandbox. They mostly wait for missing replies, so several run at once.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(workers)); err != nil {
		panic(err)
	}
	sandbox.TestMain(m)
}

// Variables that make the run longer, repeat one seed, or limit the faults to objects whose names contain a text.
const (
	trialsVariable = "NETLAB_FAULTS"
	seedVariable   = "NETLAB_FAULT_SEED"
	kindVariable   = "NETLAB_FAULT_KIND"
)

// defaultTrials take less than a minute on two idle CPUs.
const defaultTrials = 60

// workers is how many labs are there at the same time: most of the time is spent waiting for replies.
const workers = 8

func variable(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is %q, not a number", name, text)
	}
	return n
}

// newMachine returns the machine of the sandbox.
func newMachine(t *testing.T) *ask.Machine {
	t.Helper()
	k, err := kernel.New(kernel.Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	return &ask.Machine{Kernel: k, Dial: func(_ context.Context, from string, o probe.Options) (probe.Conn, error) {
		return k.DialICMP(from, int(o.Family), o.DontFragment, o.Source)
	}}
}

// missing are the features of labs that the kernel lacks.
func missing(t *testing.T, m *ask.Machine) statetest.Features {
	x := newTrial(t, m, 0)
	defer x.remove()
	return statetest.Features{Netem: !x.k.HasNetem(), VLANs: !x.build(&v1alpha1.NetLabSpec{
		Namespaces: []v1alpha1.Namespace{{Name: "h"}}, Switches: []v1alpha1.Switch{{Name: "s", VLANFiltering: v1alpha1.Enabled}},
		Links: []v1alpha1.Link{{Name: "l", Endpoints: []v1alpha1.Endpoint{{Name: "s"}, {Name: "h", Subinterfaces: []v1alpha1.Subinterface{{VLAN: 10}}}}}},
	})}
}

// TestFaultsAreNamedAndFixed breaks random labs. A number of trials fails no ping: these count as healthy only.
func TestFaultsAreNamedAndFixed(t *testing.T) {
	m := newMachine(t)
	trials, first := variable(t, trialsVariable, defaultTrials), variable(t, seedVariable, 0)
	if _, several := os.LookupEnv(trialsVariable); first != 0 && !several {
		trials = 1
	}
	lacks := missing(t, m)
	total := &tally{}
	var wait sync.WaitGroup
	for worker := range uint64(workers) {
		wait.Go(func() {
			for seed := first + worker; seed < first+trials; seed += workers {
				x := newTrial(t, m, seed)
				x.lacks, x.kind = lacks, os.Getenv(kindVariable)
				total.add(t, x.run())
			}
		})
	}
	wait.Wait()
	total.report(t)
}
