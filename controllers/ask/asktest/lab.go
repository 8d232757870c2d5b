// SPDX-License-Identifier: Apache-2.0

package asktest

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/packet"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Bench is a machine with the lab and its neighbour tables.
type Bench struct {
	ask.Machine
	Kernel *fake.Kernel
	// Described is the lab, Identity its identity.
	Described *v1alpha1.NetLab
	Identity  state.Identity
	// Used and Limit are those of both neighbour tables.
	Used, Limit int
	// Silent reports whether pings from a network namespace to an address get no reply.
	Silent func(from string, to netip.Addr) bool
	// Packets are those that a capture returns.
	Packets []packet.Packet

	mu sync.Mutex
	// asking counts the open probes; Waves are the numbers between two clean-ups.
	asking int
	Waves  []int
}

// New builds the lab as the agent does.
func New(t testing.TB) *Bench {
	t.Helper()
	b := &Bench{Kernel: fake.New(), Limit: 1024, Silent: func(string, netip.Addr) bool { return false }}
	b.Machine = ask.Machine{Kernel: neighbours{b.Kernel, b}, Dial: b.dial, Listen: b.listen}
	b.Described = tutorial()
	b.Identity = state.Identity{Namespace: "default", Name: "pair", Owner: state.AgentOwner(string(b.Described.UID))}
	lab, err := lab.Compile(b.Identity, &b.Described.Spec, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Kernel.Apply(t.Context(), state.Diff(state.State{}, lab.Want)); err != nil {
		t.Fatal(err)
	}
	b.Kernel.ForgetWrites()
	return b
}

// Lab returns the lab.
func (b *Bench) Lab(t testing.TB) *ask.Lab {
	t.Helper()
	lab, err := b.Machine.Lab(b.Identity, b.Described.Spec)
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

func tutorial() *v1alpha1.NetLab {
	lab := &v1alpha1.NetLab{}
	lab.Namespace, lab.Name, lab.UID = "default", "pair", "6f1e"
	lab.Spec = v1alpha1.NetLabSpec{
		Namespaces: []v1alpha1.Namespace{{Name: "ns1"}, {Name: "ns2"}},
		Routers:    []v1alpha1.Router{{Name: "router"}},
		Subnets:    []v1alpha1.Subnet{{Name: "left", CIDRs: []string{"192.0.2.0/24"}}, {Name: "right", CIDRs: []string{"198.51.100.0/24"}}},
		Links: []v1alpha1.Link{
			{Name: "l1", Subnet: "left", Endpoints: []v1alpha1.Endpoint{{Name: "ns1"}, {Name: "router"}}},
			{Name: "l2", Subnet: "right", Endpoints: []v1alpha1.Endpoint{{Name: "router"}, {Name: "ns2"}}},
		},
		Probes: []v1alpha1.Probe{{Name: "ns1-ns2", From: "ns1", To: "ns2"}},
	}
	return lab
}

// neighbours adds the neighbour tables to a fake kernel.
type neighbours struct {
	*fake.Kernel
	bench *Bench
}

func (n neighbours) NeighbourUse(int) (used, limit int, err error) {
	return n.bench.Used, n.bench.Limit, nil
}

func (n neighbours) RememberNeighbours([]string) (forget func() error, err error) {
	b := n.bench
	return func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.Waves = append(b.Waves, b.asking)
		b.asking = 0
		return nil
	}, nil
}

func (b *Bench) dial(_ context.Context, from string, _ probe.Options) (probe.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asking++
	return &Echo{Sent: func(to netip.Addr) (answered bool, err error) { return !b.Silent(from, to), nil }}, nil
}

func (b *Bench) listen(_ string, o packet.Options) (capture.Tap, error) {
	if o.Interface == "nothing" {
		return nil, packet.ErrNoInterface
	}
	return &tap{packets: b.Packets}, nil
}

// tap is an interface named l1 with some packets.
type tap struct {
	packets []packet.Packet
	read    int
}

var l1 = packet.Interface{Index: 2, Name: "l1", Hardware: 1}

func (p *tap) Interfaces() []packet.Interface { return []packet.Interface{l1} }

func (p *tap) Interface(index int) (packet.Interface, error) {
	return packet.Interface{}, errors.New("there is one interface")
}

func (p *tap) Read() (packet.Packet, error) {
	if p.read == len(p.packets) {
		return packet.Packet{}, os.ErrDeadlineExceeded
	}
	p.read++
	return p.packets[p.read-1], nil
}

func (p *tap) Statistics() (packet.Statistics, error) {
	return packet.Statistics{Accepted: uint64(len(p.packets))}, nil
}

func (p *tap) SetReadDeadline(time.Time) error { return nil }
func (p *tap) Down() bool                      { return false }
func (p *tap) Deleted() bool                   { return false }
func (p *tap) Close() error                    { return nil }
