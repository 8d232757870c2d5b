// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/packet"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Kernel is the part of a machine's kernel that this package uses.
type Kernel interface {
	converge.Kernel
	ask.Kernel
	// Labs lists every lab that has network namespaces with an owner label, of any owner.
	Labs(ctx context.Context) ([]state.Identity, error)
	// Enter runs fn on a thread that is in the network namespace.
	Enter(namespace string, fn func() error) error
	// Lock makes the caller the lab's only writer, or fails at once.
	Lock(id state.Identity) (unlock func(), err error)
	// SaveRecord keeps what a lab is built from.
	SaveRecord(id state.Identity, record []byte) error
	// LoadRecord returns what SaveRecord kept; without one the error is fs.ErrNotExist.
	LoadRecord(id state.Identity) ([]byte, error)
	// DeleteRecord forgets a record, if there is one.
	DeleteRecord(id state.Identity) error
	// Records lists, without owners, the labs that have a record.
	Records() ([]state.Identity, error)
	// MACTable is what the bridges of a network namespace have learned.
	MACTable(ctx context.Context, namespace string) ([]state.MACEntry, error)
	// Reap waits a moment for deleted namespaces to end and returns those that have not.
	Reap(ctx context.Context) (held []string, err error)
}

// Options configure a Machine.
type Options struct {
	// Symlinks makes ip netns find the labs' network namespaces by name.
	Symlinks bool
	// HasNetem reports whether the kernel has netem; nil means yes.
	HasNetem func() bool
	// FeatureMissing is wrapped by the errors of a kernel that lacks a feature; may be nil.
	FeatureMissing error
	// Progress is called with the current step; may be nil. Calls do not overlap.
	Progress func(step string)
}

// Machine is this machine with its labs.
type Machine struct {
	kernel  Kernel
	asked   *ask.Machine
	options Options
}

// Sockets open sockets in the network namespaces of labs.
type Sockets struct {
	// Dial opens an ICMP socket.
	Dial probe.Dialer
	// Listen opens a packet socket for an interface or, if that is empty, for all of them.
	Listen func(namespace string, o packet.Options) (capture.Tap, error)
}

// New returns a Machine.
func New(kernel Kernel, sockets Sockets, options Options) *Machine {
	if options.Progress == nil {
		options.Progress = func(string) {}
	}
	asked := &ask.Machine{Kernel: kernel, Dial: sockets.Dial, Listen: sockets.Listen, Progress: options.Progress}
	return &Machine{kernel: kernel, asked: asked, options: options}
}

// The reasons to do nothing.
var (
	// ErrNotFound: there is no such lab on this machine.
	ErrNotFound = errors.New("no such lab on this machine")
	// ErrAgent: a cluster's agent made the lab, and only it may touch it.
	ErrAgent = errors.New("built by a cluster's agent")
	// ErrConflict: something that is not ours has a name the lab needs.
	ErrConflict = ask.ErrConflict
)

// Identity is the identity of a lab that this package builds.
func Identity(namespace, name string) state.Identity {
	return state.Identity{Namespace: namespace, Name: name, Owner: state.LocalOwner(namespace, name)}
}

// Compile derives everything a description leaves unsaid. The error is lab.Problems.
func Compile(netlab *v1alpha1.NetLab, options lab.Options) (*lab.Lab, error) {
	return lab.Compile(Identity(netlab.Namespace, netlab.Name), &netlab.Spec, options)
}

func (m *Machine) compile(netlab *v1alpha1.NetLab) (*lab.Lab, error) {
	return Compile(netlab, lab.Options{Symlinks: m.options.Symlinks, HasNetem: m.options.HasNetem})
}

// claim reports whether the lab has namespaces here. An agent's lab of the same name is an
// error: its file names would be ours.
func (m *Machine) claim(ctx context.Context, id state.Identity) (exists bool, err error) {
	labs, err := m.kernel.Labs(ctx)
	if err != nil {
		return false, fmt.Errorf("list the labs of this machine: %w", err)
	}
	for _, lab := range labs {
		if lab.Namespace != id.Namespace || lab.Name != id.Name {
			continue
		}
		if lab.Owner.IsAgent() {
			return false, fmt.Errorf("%s is %w (lab UID %s): use kubectl", id, ErrAgent, lab.Owner.UID())
		}
		exists = true
	}
	return exists, nil
}
