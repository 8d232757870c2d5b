// SPDX-License-Identifier: Apache-2.0

package ask_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/ask/asktest"
	"github.com/netlab-dev/netlab/controllers/state"
)

func TestEveryPairIsAsked(t *testing.T) {
	b := asktest.New(t)
	all, err := b.Lab(t).PingAll(t.Context(), ask.PingAllOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, p := range all.Pairs {
		asked = append(asked, fmt.Sprintf("%s at %s: %s", p.Path, p.Address, p.Result))
	}
	want := []string{
		"ns1 to ns2 at 198.51.100.1: Reachable", "ns1 to router at 192.0.2.254: Reachable",
		"ns2 to ns1 at 192.0.2.1: Reachable", "ns2 to router at 192.0.2.254: Reachable",
		"router to ns1 at 192.0.2.1: Reachable", "router to ns2 at 198.51.100.1: Reachable",
	}
	if !slices.Equal(asked, want) || all.Reachable != 6 || all.Unreachable+all.Unknown != 0 || all.Waves != 1 {
		t.Errorf("asked\n%s\nin %d waves, counted %d", strings.Join(asked, "\n"), all.Waves, all.Reachable)
	}
	if n := b.Kernel.Writes(); n > 0 {
		t.Errorf("%d writes to the lab", n)
	}
}

// A wave uses at most a quarter of the free entries, and each ends with a clean-up. The six pairs may cause
// 4, 2, 4, 2, 2 and 2 entries.
func TestWavesFollowWhatIsFree(t *testing.T) {
	for used, waves := range map[int][]int{
		0:  {6},
		60: {3, 3},
		76: {2, 2, 2},
		90: {1, 1, 1, 1, 1, 1},
	} {
		b := asktest.New(t)
		b.Used, b.Limit = used, 100
		_, err := b.Lab(t).PingAll(t.Context(), ask.PingAllOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(b.Waves, waves) {
			t.Errorf("%d of %d entries used: waves of %v, want %v", used, b.Limit, b.Waves, waves)
		}
	}
}

// With a full table no result is certain, and a ping would harm the machine.
func TestAFullNeighbourTableIsUnknown(t *testing.T) {
	b := asktest.New(t)
	b.Used = 973
	all, err := b.Lab(t).PingAll(t.Context(), ask.PingAllOptions{Diagnoses: 9, Timeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if all.Unknown != 6 || all.Reachable+all.Unreachable != 0 || len(b.Waves) > 0 {
		t.Errorf("%+v, asked %v", all, b.Waves)
	}
	if why := all.Pairs[0].Error; why != "the machine's IPv4 neighbour table is full: 51 entries free" {
		t.Errorf("it says %q", why)
	}
}

// Other namespaces fill the table for a while.
func TestAWaveWaitsForRoom(t *testing.T) {
	b := asktest.New(t)
	others := &leaving{Kernel: b.Machine.Kernel, looks: 3}
	b.Machine.Kernel = others
	all, err := b.Lab(t).PingAll(t.Context(), ask.PingAllOptions{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if all.Reachable != 6 || all.Waves != 1 || others.looks != 0 {
		t.Errorf("%+v, and %d looks too few", all, others.looks)
	}
}

// leaving is a machine whose neighbour tables are full for the first readings.
type leaving struct {
	ask.Kernel
	looks int
}

func (l *leaving) NeighbourUse(int) (used, limit int, err error) {
	if l.looks == 0 {
		return 0, 1024, nil
	}
	l.looks--
	return 1024, 1024, nil
}

func TestPairsThatFailAreDiagnosedAsFarAsWanted(t *testing.T) {
	b := asktest.New(t)
	b.Silent = func(from string, _ netip.Addr) bool { return !strings.HasSuffix(from, "router") }
	b.Kernel.Mutate(func(s state.State) {
		off := state.SettingID{Namespace: "default.pair.router", SettingKey: state.SettingKey{Setting: state.IPv4Forwarding}}
		maps.Copy(s, s.With(state.SetSysctl{SettingID: off, Value: state.Off}))
	})
	all, err := b.Lab(t).PingAll(t.Context(), ask.PingAllOptions{Diagnoses: 1})
	if err != nil {
		t.Fatal(err)
	}
	if all.Unreachable != 4 || all.Reachable != 2 {
		t.Errorf("%d unreachable, %d reachable", all.Unreachable, all.Reachable)
	}
	if c := all.Pairs[0].Cause; c.Reason != "ForwardingDisabled" || c.Node != "router" {
		t.Errorf("the first pair's cause is %+v", c)
	}
	if c := all.Pairs[1].Cause; c.Found() {
		t.Errorf("the second pair's cause was not asked for: %+v", c)
	}
}

func TestWhoIsInterruptedHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := asktest.New(t).Lab(t).PingAll(ctx, ask.PingAllOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Names that are not there are answered with those that are.
func TestNamesThatAreNotThere(t *testing.T) {
	lab, ctx := asktest.New(t).Lab(t), t.Context()
	explainPath := func(from, to string) error {
		_, err := lab.ExplainPath(ctx, ask.Path{From: from, To: to})
		return err
	}
	_, probe := lab.Explain(ctx, "p")
	_, capture := lab.Capture(ctx, ask.CaptureOptions{At: []ask.Place{{Node: "x"}}}, nil)
	_, link := lab.Capture(ctx, ask.CaptureOptions{At: []ask.Place{{Node: "ns1", Interface: "nothing"}}}, nil)
	for want, err := range map[string]error{
		`default/pair has no node "ns3"; its nodes: ns1, ns2, router`: explainPath("ns3", "ns1"),
		`default/pair has no node "ns4"; its nodes: ns1, ns2, router`: explainPath("ns1", "ns4"),
		`default/pair has no node "x"; its nodes: ns1, ns2, router`:   capture,
		`capture on ns1 of default/pair: no such interface`:           link,
		`default/pair has no probe "p"; its probes: ns1-ns2`:          probe,
		"from ns1 to 224.0.0.1: 224.0.0.1 is a multicast address":     explainPath("ns1", "224.0.0.1"),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
