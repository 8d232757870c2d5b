// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/ask/asktest"
	"github.com/netlab-dev/netlab/controllers/ask/remote"
	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/packet"
)

// far is the lab of a bench as it is seen from another machine.
func far(t *testing.T, b *asktest.Bench) *remote.Lab {
	t.Helper()
	description, err := json.Marshal(b.Described)
	if err != nil {
		t.Fatal(err)
	}
	server := remote.Server{Machine: &b.Machine, Labs: b.Kernel.Labs, Version: "v9"}
	return &remote.Lab{Description: description, Run: func(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error {
		if code := server.Serve(context.WithoutCancel(ctx), args, in, out, errOut); code != 0 {
			return fmt.Errorf("exit code %d", code)
		}
		return nil
	}}
}

// Whoever asks hears the same from far and from near.
func TestAnswersSurviveTheWay(t *testing.T) {
	b := asktest.New(t)
	near, far, ctx := b.Lab(t), far(t, b), t.Context()
	b.Silent = func(from string, to netip.Addr) bool { return to == netip.MustParseAddr("198.51.100.1") }

	same(t, "explain", without(near.Explain(ctx, "")), without(far.Explain(ctx, "")))
	same(t, "explain a probe", without(near.Explain(ctx, "ns1-ns2")), without(far.Explain(ctx, "ns1-ns2")))
	path := ask.Path{From: "ns2", To: "192.0.2.1"}
	same(t, "explain a path", without(near.ExplainPath(ctx, path)), without(far.ExplainPath(ctx, path)))
	o := ask.PingAllOptions{Diagnoses: 1, Timeout: time.Minute}
	same(t, "pingall", quick(near.PingAll(ctx, o)), quick(far.PingAll(ctx, o)))

	var attempts []ask.Attempt
	err := far.Ping(ctx, ask.Path{From: "router", To: "ns1"}, ask.PingOptions{Count: 3}, func(a ask.Attempt) { attempts = append(attempts, a) })
	if err != nil || len(attempts) != 3 || !attempts[2].Replied() || attempts[2].Seq != 3 || attempts[2].To != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("ping: %+v, %v", attempts, err)
	}
}

func TestACaptureArrivesWhole(t *testing.T) {
	b := asktest.New(t)
	frame := bytes.Repeat([]byte{0x5a}, 60)
	b.Packets = []packet.Packet{{Index: 2, Time: time.Unix(1, 2), Data: frame, Length: 60}, {Index: 2, Time: time.Unix(1, 3), Data: frame, Length: 60}}
	o := ask.CaptureOptions{At: []ask.Place{{Node: "ns1", Interface: "l1"}}, Options: capture.Options{Packets: 2}}
	var file bytes.Buffer
	summary, err := far(t, b).Capture(t.Context(), o, &file)
	if want := (capture.Summary{Packets: 2, Ending: capture.LimitReached}); err != nil || summary != want {
		t.Errorf("got %+v, %v", summary, err)
	}
	if n := bytes.Count(file.Bytes(), frame); n != 2 || bytes.Contains(file.Bytes(), []byte("version")) {
		t.Errorf("%d of 2 packets are in %q", n, file.Bytes())
	}
}

// What is asked for is what arrives, also at an agent that knows only one node.
func TestCaptureOptionsSurviveTheWay(t *testing.T) {
	b := asktest.New(t)
	limits := capture.Options{Packets: 3, Duration: time.Second}
	for want, o := range map[string]ask.CaptureOptions{
		"--packets=3 --duration=1s --interface=l1 ns1":                     {At: []ask.Place{{Node: "ns1", Interface: "l1"}}, Options: limits},
		"--packets=3 --duration=1s --interface= --filter=icmp or arp ns1":  {At: []ask.Place{{Node: "ns1"}}, Filter: "icmp or arp", Options: limits},
		"--packets=3 --duration=1s --link=l1 --link=l2 ns1 router:l1":      {At: []ask.Place{{Node: "ns1"}, {Node: "router", Interface: "l1"}}, Links: []string{"l1", "l2"}, Options: limits},
		"--packets=3 --duration=1s --all":                                  {All: true, Options: limits},
		"--packets=3 --duration=1s --path-from=ns1 --path-to=198.51.100.1": {Path: &ask.Path{From: "ns1", To: "198.51.100.1"}, Options: limits},
		"--packets=3 --duration=1s --while-probe=ns1-ns2 --follow":         {Probe: "ns1-ns2", Options: capture.Options{Packets: 3, Duration: time.Second, Follow: func(capture.Journey) {}}},
	} {
		lab, got := far(t, b), ""
		run := lab.Run
		lab.Run = func(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error {
			got = strings.Join(args[1:], " ")
			return run(ctx, args, in, out, errOut)
		}
		b.Packets = []packet.Packet{{Index: 2, Time: time.Unix(1, 0)}, {Index: 2, Time: time.Unix(1, 0)}, {Index: 2, Time: time.Unix(1, 0)}}
		summary, err := lab.Capture(t.Context(), o, io.Discard)
		if got != want || err != nil || summary.Ending != capture.LimitReached || o.Probe == "" && summary.Packets != 3 {
			t.Errorf("got  %s\nwant %s\n%+v, %v", got, want, summary, err)
		}
	}
}

// Pods/exec does not end the program with its caller: the end of standard input does.
func TestAnInterruptionEndsTheOtherSideInOrder(t *testing.T) {
	b := asktest.New(t)
	ctx, interrupt := context.WithCancel(t.Context())
	attempts := 0
	err := far(t, b).Ping(ctx, ask.Path{From: "router", To: "ns1"}, ask.PingOptions{Interval: time.Millisecond}, func(ask.Attempt) {
		if attempts++; attempts == 3 {
			interrupt()
		}
	})
	if !errors.Is(err, context.Canceled) || attempts < 3 {
		t.Errorf("%d attempts, %v", attempts, err)
	}
	ctx, interrupt = context.WithCancel(t.Context())
	summary, err := far(t, b).Capture(ctx, ask.CaptureOptions{At: []ask.Place{{Node: "ns1"}}}, writer(interrupt))
	if err != nil || summary.Ending != capture.Interrupted {
		t.Errorf("an interrupted capture: %+v, %v", summary, err)
	}
}

// writer is told of what is written.
type writer func()

func (w writer) Write(b []byte) (int, error) { w(); return len(b), nil }

func TestWhyThereIsNoAnswer(t *testing.T) {
	b := asktest.New(t)
	ask := func(change func(*remote.Lab)) error {
		lab := far(t, b)
		change(lab)
		_, err := lab.Explain(t.Context(), "p")
		return err
	}
	for name, c := range map[string]struct {
		change func(*remote.Lab)
		want   string
	}{
		"a name that is not there": {func(*remote.Lab) {}, `default/pair has no probe "p"; its probes: ns1-ns2`},
		"another lab of the name":  {replace("6f1e", "7a2b"), "default/pair is not on this node"},
		"a lab nobody can build":   {replace(`"from":"ns1"`, `"from":"ns9"`), `compile default/pair: spec.probes[0].from`},
		"no description":           {replace("{", "!"), "read the lab's description: invalid character '!'"},
		"another version": {func(l *remote.Lab) {
			run := l.Run
			l.Run = func(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error {
				return run(ctx, append([]string{"sing"}, args...), in, out, errOut)
			}
		}, `exit code 2: this version has no verb "sing"`},
		"another program": {func(l *remote.Lab) {
			l.Run = func(_ context.Context, _ []string, _ io.Reader, out, _ io.Writer) error {
				fmt.Fprintln(out, "Segmentation fault")
				return errors.New("exit code 139")
			}
		}, "exit code 139: Segmentation fault"},
		"a program that breaks off": {func(l *remote.Lab) {
			l.Run = func(_ context.Context, _ []string, _ io.Reader, out, _ io.Writer) error {
				fmt.Fprint(out, `{"version":"v9"}`+"\n"+`{"expl`)
				return errors.New("exit code 137")
			}
		}, `exit code 137: {"expl; the agent's version is v9`},
	} {
		if err := ask(c.change); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", name, err, c.want)
		}
	}
}

func replace(old, by string) func(*remote.Lab) {
	return func(l *remote.Lab) { l.Description = bytes.ReplaceAll(l.Description, []byte(old), []byte(by)) }
}

func same(t *testing.T, question string, near, far any) {
	t.Helper()
	if diff := cmp.Diff(near, far, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("%s, near and far:\n%s", question, diff)
	}
}

func without[T any](answer T, err error) T {
	if err != nil {
		panic(err)
	}
	return answer
}

// quick is the answer without times, which are never the same.
func quick(all *ask.PingAll, err error) *ask.PingAll {
	for i := range all.Pairs {
		all.Pairs[i].RTTMicroseconds = 0
	}
	return without(all, err)
}
