// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Directories and files under which everything lives that is not in the kernel.
const (
	// BaseDir holds all of them; it lies on a tmpfs, so it ends with the kernel's state.
	BaseDir = "/run/netlab"
	// NamespaceDir holds a bind-mounted file per network namespace.
	NamespaceDir = state.NamespaceDir
	// SymlinkDir is where ip netns looks names up.
	SymlinkDir = state.SymlinkDir

	recordDir     = BaseDir + "/labs"
	lockDir       = BaseDir + "/locks"
	agentLockFile = BaseDir + "/agent.lock"
)

// Options are what a Kernel is told once.
type Options struct {
	// Symlinks says whether namespaces may get a link in SymlinkDir, so that ip netns finds them.
	Symlinks bool
	// ReadOnly says that nothing is to be prepared: the caller only looks into labs that another
	// process built.
	ReadOnly bool
	// Log gets a line per operation at debug level; nil is silent.
	Log *slog.Logger
	// BeforeOp and AfterOp are called around each operation of Apply when set. No two operations
	// overlap then.
	BeforeOp, AfterOp func(state.Op)
}

// Kernel observes and changes the labs of this machine.
type Kernel struct {
	options Options
	log     *slog.Logger
	// home is the network namespace the process was in when New was called.
	home     netns.Home
	features features
	// hasNetem tries it once.
	hasNetem func() bool

	settings   *settingCache
	neighbours *neighbourCache
	listings   *listings

	mu sync.Mutex
	// deleted are namespaces unmounted since the last Reap, with their nsid at home.
	deleted map[string]int32
}

// New prepares the directories and their mount, and returns a Kernel. It does not touch
// a lab. It must be called from a goroutine that is in the process' own network namespace.
func New(options Options) (*Kernel, error) {
	home, err := netns.FindHome()
	if err != nil {
		return nil, fmt.Errorf("open the process's network namespace: %w", err)
	}
	if !options.ReadOnly {
		if err := prepare(options.Symlinks); err != nil {
			return nil, err
		}
	}
	go makeRoomForFiles() // nothing has to wait for it, and without it things only take longer
	log := options.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	k := &Kernel{options: options, log: log, home: home, features: features{has: map[feature]bool{}}, settings: processSettings(), neighbours: newNeighbourCache(), listings: newListings(), deleted: map[string]int32{}}
	k.hasNetem = sync.OnceValue(func() bool { return !errors.Is(k.tryFeature(featureNetem), ErrFeatureMissing) })
	return k, nil
}

// ErrFeatureMissing is what an operation fails with when this kernel lacks something; the
// error around it names what.
var ErrFeatureMissing = errors.New("this kernel lacks a feature")

// featureMissing says that the kernel lacks feature, how that showed and what adds it.
func featureMissing(feature string, err error) error {
	if fix := featureFixes[feature]; fix != "" {
		return fmt.Errorf("%w: %s (%w); %s", ErrFeatureMissing, feature, err, fix)
	}
	return fmt.Errorf("%w: %s (%w)", ErrFeatureMissing, feature, err)
}

// featureFixes are how a kernel gets a feature. Filtering is a part of the bridge module, which no other module
// adds.
var featureFixes = map[string]string{
	"veth":                       "load its module on that machine: modprobe veth",
	"bridge":                     "load its module on that machine: modprobe bridge",
	"VLAN filtering on a bridge": "run a kernel built with CONFIG_BRIDGE_VLAN_FILTERING",
	"802.1Q VLAN interfaces":     "load its module on that machine: modprobe 8021q",
	"netem":                      "load its module on that machine: modprobe sch_netem",
	"tbf":                        "load its module on that machine: modprobe sch_tbf",
	"IPv6":                       "enable IPv6 on that machine: boot without ipv6.disable=1, or modprobe ipv6",
}

// OpError is an operation that failed. Its text is the ip command and the kernel's answer.
type OpError struct {
	Op  state.Op
	Err error
}

func (e *OpError) Error() string { return e.Op.String() + ": " + e.Err.Error() }

// Unwrap returns what the kernel said.
func (e *OpError) Unwrap() error { return e.Err }
