// SPDX-License-Identifier: Apache-2.0

package local_test

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/controllers/ask/asktest"
	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// bench is a machine with a fake kernel, on which every ping is answered or none.
type bench struct {
	*local.Machine
	kernel *kernel
	wire   *wire
}

var errFeature = errors.New("this kernel lacks a feature")

func newBench() bench {
	k, w := &kernel{Kernel: fake.New()}, &wire{answers: true}
	return bench{local.New(k, local.Sockets{Dial: w.dial}, local.Options{Symlinks: true, FeatureMissing: errFeature}), k, w}
}

// kernel notes the order of what is done to the record and to the kernel.
type kernel struct {
	*fake.Kernel
	steps []string
}

func (k *kernel) note(step string) {
	if n := len(k.steps); n == 0 || k.steps[n-1] != step {
		k.steps = append(k.steps, step)
	}
}

func (k *kernel) Edit(ctx context.Context, ops []state.Op, stale map[int][]state.Neighbour) (int, error) {
	k.note("apply")
	return k.Kernel.Edit(ctx, ops, stale)
}

func (k *kernel) SaveRecord(id state.Identity, record []byte) error {
	k.note("save")
	return k.Kernel.SaveRecord(id, record)
}

func (k *kernel) DeleteRecord(id state.Identity) error {
	k.note("forget")
	return k.Kernel.DeleteRecord(id)
}

func (k *kernel) RememberNeighbours([]string) (forget func() error, err error) {
	return func() error { return nil }, nil
}

// MACTable: the fake kernel moves no packets, so its switches have seen this one.
func (k *kernel) MACTable(context.Context, string) ([]state.MACEntry, error) {
	return []state.MACEntry{{MAC: state.MAC{2, 0, 0, 0, 0, 9}, VLAN: 10, Port: "p1"}}, nil
}

func (k *kernel) NeighbourUse(int) (used, limit int, err error) { return 0, 1024, nil }

// pair is the tutorial's lab.
func pair() *v1alpha1.NetLab {
	lab := &v1alpha1.NetLab{}
	lab.Namespace, lab.Name = "default", "pair"
	lab.Spec = v1alpha1.NetLabSpec{
		Namespaces: []v1alpha1.Namespace{{Name: "ns1"}, {Name: "ns2"}},
		Routers:    []v1alpha1.Router{{Name: "router"}},
		Subnets: []v1alpha1.Subnet{
			{Name: "left", CIDRs: []string{"192.0.2.0/24"}},
			{Name: "right", CIDRs: []string{"198.51.100.0/24"}},
		},
		Links: []v1alpha1.Link{
			{Name: "l1", Subnet: "left", Endpoints: []v1alpha1.Endpoint{{Name: "ns1"}, {Name: "router"}}},
			{Name: "l2", Subnet: "right", Endpoints: []v1alpha1.Endpoint{{Name: "router"}, {Name: "ns2"}}},
		},
		Probes: []v1alpha1.Probe{{Name: "ns1-ns2", From: "ns1", To: "ns2"}},
	}
	return lab
}

func up(t *testing.T, b bench, lab *v1alpha1.NetLab) *local.Status {
	t.Helper()
	status, err := b.Up(t.Context(), lab)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// wire is a network on which an IPv4 echo request is answered at once, or refused.
type wire struct {
	answers bool
	from    string
	// failure is why no socket can be opened.
	failure error
}

func (w *wire) dial(_ context.Context, from string, _ probe.Options) (probe.Conn, error) {
	w.from = from
	return &asktest.Echo{Sent: w.send}, w.failure
}

func (w *wire) send(netip.Addr) (answered bool, err error) {
	if !w.answers {
		return false, syscall.ENETUNREACH
	}
	return true, nil
}
