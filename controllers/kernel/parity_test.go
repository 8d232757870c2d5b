// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// wildLength is how many operations a wild walk takes.
const wildLength = 16

// walks is how many random walks each of the parity tests takes. Each is a few dozen operations.
func walks(t *testing.T) uint64 {
	text := cmp.Or(os.Getenv("NETLAB_PARITY_WALKS"), "110")
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("NETLAB_PARITY_WALKS=%s: %v", text, err)
	}
	return n
}

// twins are the real kernel and the fake, which must never differ.
type twins struct {
	real *Kernel
	fake *fake.Kernel
	// want is what both are observed for.
	want state.State
	// story is every operation so far.
	story []string
}

func newTwins(t *testing.T) *twins {
	return &twins{real: newKernel(t, Options{}), fake: fake.New()}
}

// apply does op in both and compares what they say.
func (w *twins) apply(t *testing.T, op state.Op) {
	t.Helper()
	_, realErr := w.real.Apply(t.Context(), []state.Op{op})
	_, fakeErr := w.fake.Apply(t.Context(), []state.Op{op})
	w.story = append(w.story, fmt.Sprintf("%s   # %v", op, cause(realErr)))
	if (realErr == nil) != (fakeErr == nil) {
		t.Fatalf("the kernel says %v, the fake %v, after\n%s", realErr, fakeErr, lines(w.story))
	}
}

// lacks is what this machine's kernel cannot do; a full kernel lacks nothing.
func (k *Kernel) lacks() statetest.Features {
	vlans := errors.Join(k.tryFeature(featureVLANFiltering), k.tryFeature(featureVLAN))
	return statetest.Features{VLANs: vlans != nil, Netem: !k.HasNetem()}
}

// cause is the errno in an error.
func cause(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// compare observes both. Deleting a namespace takes its links along a moment later.
func (w *twins) compare(t *testing.T) state.State {
	t.Helper()
	inFake, err := w.fake.Observe(t.Context(), statetest.Lab, w.want)
	if err != nil {
		t.Fatal(err)
	}
	pause := time.Millisecond
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(pause) {
		pause = min(2*pause, 20*time.Millisecond)
		inReal, err := w.real.Observe(t.Context(), statetest.Lab, w.want)
		if err != nil {
			t.Fatal(err)
		}
		if inReal.State.Equal(inFake.State) {
			return inReal.State
		}
		if time.Now().After(deadline) {
			t.Fatalf("only the kernel has -, only the fake +:\n%safter\n%s", lineDiff(inReal.State.String(), inFake.State.String()), lines(w.story))
		}
	}
}

// TestFakeAndKernelAgreeOnPlans walks from one random lab to the next by plans, the way
// labs are built, edited and removed.
func TestFakeAndKernelAgreeOnPlans(t *testing.T) {
	mine := apart(t, 4)
	if mine == nil {
		return
	}
	for seed := range walks(t) {
		if !mine(int(seed)) {
			continue
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newTwins(t)
			g := statetest.New(seed).Without(w.real.lacks())
			for _, want := range []state.State{g.Wanted(), g.Wanted(), {}} {
				w.want = want
				for _, op := range state.Diff(w.compare(t), want) {
					w.apply(t, op)
				}
				if left := state.Diff(w.compare(t), want); len(left) > 0 {
					t.Fatalf("left to do:\n%safter\n%s", texts(left), lines(w.story))
				}
			}
		})
	}
}

// modelled excludes what a State cannot tell the outcome of. Writing an IPv4 default also
// writes it to every link that was never given a value of its own. Writing all.disable_ipv6
// changes every link even when it changes nothing itself, and what rejects is gone with lo's IPv6.
// A plan writes again what it may have lost by either.
// Before Linux 6.6 an IPv6 route keeps a source address that went from another link.
func modelled(op state.Op) bool {
	switch op := op.(type) {
	case state.SetSysctl:
		return op.Link != "" || op.Setting != state.DisableIPv6 && !strings.HasPrefix(op.Path(), "ipv4/conf/default/")
	case state.DeleteAddress:
		return op.Prefix.Addr().Is4() || op.Link != state.Loopback || linuxIs(6, 6)
	default:
		return true
	}
}

// linuxIs reports whether this kernel is at least of a version.
func linuxIs(major, minor int) bool {
	var name unix.Utsname
	var has [2]int
	if unix.Uname(&name) != nil {
		return false
	}
	_, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &has[0], &has[1])
	return err == nil && slices.Compare(has[:], []int{major, minor}) >= 0
}

// TestFakeAndKernelAgreeOnAnything applies operations out of place: of another lab's plan, in
// any order, with half of them missing.
func TestFakeAndKernelAgreeOnAnything(t *testing.T) {
	mine := apart(t, 4)
	if mine == nil {
		return
	}
	for seed := range walks(t) {
		if !mine(int(seed)) {
			continue
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newTwins(t)
			g := statetest.New(1000 + seed).Without(w.real.lacks())
			w.want = g.Wanted()
			if _, err := w.real.Apply(t.Context(), state.Diff(state.State{}, w.want)); err != nil {
				t.Fatal(err)
			}
			for _, op := range state.Diff(w.fake.State(), w.want) {
				w.story = append(w.story, op.String())
				if _, err := w.fake.Apply(t.Context(), []state.Op{op}); err != nil {
					t.Fatal(err)
				}
			}
			w.compare(t)
			other := g.Wanted()
			ops := append(state.Diff(w.want, other), state.Diff(g.Damaged(other), w.want)...)
			g.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
			for _, op := range ops[:min(len(ops), wildLength)] {
				if modelled(op) && !statetest.HasLoop(w.fake.State().With(op)) {
					w.apply(t, op)
					w.compare(t)
				}
			}
		})
	}
}
