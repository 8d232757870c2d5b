// SPDX-License-Identifier: Apache-2.0

//go:build fullkernel

package kernel

import (
	"math"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/state"
)

// portion is a part of all packets as the kernel has it.
func portion(of float64) state.Probability {
	return state.Probability(math.Round(of * math.MaxUint32))
}

// everyImpairment is a netem with all that a lab can ask for.
var everyImpairment = state.Qdisc{
	Kind: state.Netem, Limit: 2000, Delay: 10 * time.Millisecond, Jitter: 2 * time.Millisecond,
	Loss: portion(.001), Duplicate: portion(.02), Corrupt: portion(.005), Reorder: portion(.25), Rate: 1_000_000,
}

// impairedLab is the tutorial's; what ns1 sends is impaired in every way, and what the router
// sends to ns2 has a limited rate.
func impairedLab() state.State {
	return playOn(tutorialLab(), impair(everyImpairment), state.ReplaceQdisc{
		LinkID: link(router, "l2"), Qdisc: state.Qdisc{Kind: state.TBF, Rate: 1_250_000, Burst: 640_000, Limit: 100_000},
	})
}

func impair(q state.Qdisc) state.Op {
	return state.ReplaceQdisc{LinkID: link(ns1, "l1"), Qdisc: q}
}

func TestALabWithImpairmentsIsBuiltAndRemoved(t *testing.T) {
	k := newKernel(t, Options{})
	want := impairedLab()
	converge(t, k, want)
	if again := converge(t, k, want); len(again) > 0 {
		t.Errorf("the second plan is not empty:\n%s", texts(again))
	}
	sh(t, "ip netns exec "+ns1+" ping -c5 -i.2 -W5 198.51.100.1")
	converge(t, k, state.State{})
}

const (
	netemAgain = "tc -n default.routed-pair.ns1 qdisc replace dev l1 root netem limit 2000 delay 10ms 2ms loss 0.1% duplicate 2% corrupt 0.5% reorder 25% rate 8000000bit"
	tbfAgain   = "tc -n default.routed-pair.router qdisc replace dev l2 root tbf rate 10000000bit burst 51200 limit 100000"
)

// byHand is the lab's impairment as tc sets it, but for what the variables say.
const byHand = `
	tc -n $a qdisc change dev l1 root netem limit ${limit:-2000} delay ${delay:-10ms 2ms} loss ${loss:-0.1%} \
	duplicate ${duplicate:-2%} corrupt ${corrupt:-0.5%} reorder ${reorder:-25%} rate ${rate:-8mbit} `

var netemDrifts = []drift{
	{"limit", "limit=1999" + byHand, []string{netemAgain}},
	{"delay", "delay='11ms 2ms'" + byHand, []string{netemAgain}},
	{"jitter", "delay='10ms 3ms'" + byHand, []string{netemAgain}},
	{"no jitter", "delay=10ms" + byHand, []string{netemAgain}},
	{"loss", "loss=5%" + byHand, []string{netemAgain}},
	{"no loss", "loss=0%" + byHand, []string{netemAgain}},
	{"duplicates", "duplicate=3%" + byHand, []string{netemAgain}},
	{"corruption", "corrupt=1%" + byHand, []string{netemAgain}},
	{"reordering", "reorder=26%" + byHand, []string{netemAgain}},
	{"rate", "rate=7999992bit" + byHand, []string{netemAgain}},
	{"only a delay", `tc -n $a qdisc change dev l1 root netem delay 10ms`, []string{netemAgain}},
	{"only a loss", `tc -n $a qdisc change dev l1 root netem loss 0.1%`, []string{netemAgain}},
	{"correlated delay", "delay='10ms 2ms 30%'" + byHand, []string{netemAgain}},
	{"correlated loss", "loss='0.1% 30%'" + byHand, []string{netemAgain}},
	{"correlated loss and duplicates", "loss='0.1% 30%' duplicate='2% 30%'" + byHand, []string{netemAgain}},
	{"correlated corruption", "corrupt='0.5% 30%'" + byHand, []string{netemAgain}},
	{"correlated reordering", "reorder='25% 30%'" + byHand, []string{netemAgain}},
	{"a gap between the reordered", byHand + "gap 5", []string{netemAgain}},
	{"losses by states", "loss='state 5% 50%'" + byHand, []string{netemAgain}},
	{"losses by a model of two states", "loss='gemodel 5% 50%'" + byHand, []string{netemAgain}},
	{"marks instead of losses", "loss='0.1% ecn'" + byHand, []string{netemAgain}},
	{"slots", byHand + "slot 20ms", []string{netemAgain}},
	{"a rate with overhead", "rate='8mbit 14'" + byHand, []string{netemAgain}},
	{"a rate of cells", "rate='8mbit 0 48 5'" + byHand, []string{netemAgain}},
	{"deleted", `tc -n $a qdisc delete dev l1 root`, []string{netemAgain}},
	{"replaced by a token bucket", `tc -n $a qdisc replace dev l1 root tbf rate 1mbit burst 5000 limit 10000`, []string{netemAgain}},
	{"replaced by classes", `tc -n $a qdisc replace dev l1 root handle 1: htb`, []string{netemAgain}},
	{"replaced by a plain queue", `tc -n $a qdisc replace dev l1 root pfifo limit 10`, []string{netemAgain}},
	{"one added", `tc -n $b qdisc add dev l2 root netem delay 5ms`, []string{
		"tc -n default.routed-pair.ns2 qdisc delete dev l2 root",
	}},
	{"one added that does nothing", `tc -n $b qdisc add dev l2 root netem`, []string{
		"tc -n default.routed-pair.ns2 qdisc delete dev l2 root",
	}},
	{"one added to lo", `tc -n $b qdisc add dev lo root netem loss 50%`, []string{
		"tc -n default.routed-pair.ns2 qdisc delete dev lo root",
	}},
	{"token bucket replaced by netem", `tc -n $r qdisc replace dev l2 root netem rate 10mbit`, []string{tbfAgain}},
	{"token bucket's rate", `tc -n $r qdisc change dev l2 root tbf rate 20mbit burst 51200 limit 100000`, []string{tbfAgain}},
	{"token bucket's depth", `tc -n $r qdisc change dev l2 root tbf rate 10mbit burst 20000 limit 100000`, []string{tbfAgain}},
	{"token bucket's limit", `tc -n $r qdisc change dev l2 root tbf rate 10mbit burst 51200 limit 50000`, []string{tbfAgain}},
	{"token bucket with a peak", `tc -n $r qdisc change dev l2 root tbf rate 10mbit burst 51200 limit 100000 peakrate 11mbit mtu 1600`, []string{tbfAgain}},
	{"a queue below netem", `tc -n $a qdisc add dev l1 parent $(tc -n $a qdisc show dev l1 | cut -d' ' -f3)1 pfifo limit 1`, []string{
		"tc -n default.routed-pair.ns1 qdisc delete dev l1 parent @1",
	}},
	{"a token bucket below netem", `tc -n $a qdisc add dev l1 parent $(tc -n $a qdisc show dev l1 | cut -d' ' -f3)1 handle 7: tbf rate 8kbit burst 2000 limit 3000`, []string{
		"tc -n default.routed-pair.ns1 qdisc delete dev l1 parent @1",
	}},
	{"a queue below netem, and another delay", `tc -n $a qdisc add dev l1 parent $(tc -n $a qdisc show dev l1 | cut -d' ' -f3)1 pfifo limit 1; delay=1s` + byHand, []string{
		"tc -n default.routed-pair.ns1 qdisc delete dev l1 parent @1", netemAgain,
	}},
	{"token bucket with an overhead", `tc -n $r qdisc change dev l2 root tbf rate 10mbit overhead 100 burst 51200 limit 100000`, []string{tbfAgain}},
}

// What tc sets is what a lab sets, where the values are those that tc can express.
func TestTheSameByHandIsNoDrift(t *testing.T) {
	k := newKernel(t, Options{})
	want := impairedLab()
	converge(t, k, want)
	sh(t, shorthand+byHand+"\ntc -n $r qdisc change dev l2 root tbf rate 10mbit burst 51200 limit 100000")
	mustHold(t, k, want)
}

func TestDriftOfImpairmentsIsSeenAndRepaired(t *testing.T) { mustRepair(t, impairedLab(), netemDrifts) }

// An edit keeps the queueing discipline, so that what is queued in it stays.
func TestAnEditOfAnImpairmentIsMadeInPlace(t *testing.T) {
	for _, attribute := range []struct {
		name    string
		set     func(*state.Qdisc, uint64)
		one, to uint64
	}{
		{"delay", func(q *state.Qdisc, v uint64) { q.Delay = time.Duration(v) }, 333_333, uint64(time.Minute)},
		{"jitter", func(q *state.Qdisc, v uint64) { q.Jitter = time.Duration(v) }, 1, 4_999_999},
		{"loss", func(q *state.Qdisc, v uint64) { q.Loss = state.Probability(v) }, 1, math.MaxUint32},
		{"duplicate", func(q *state.Qdisc, v uint64) { q.Duplicate = state.Probability(v) }, uint64(portion(.1)), uint64(portion(1. / 3))},
		{"corrupt", func(q *state.Qdisc, v uint64) { q.Corrupt = state.Probability(v) }, 1, math.MaxUint32},
		{"reorder", func(q *state.Qdisc, v uint64) { q.Reorder = state.Probability(v) }, 1, math.MaxUint32},
		{"rate", func(q *state.Qdisc, v uint64) { q.Rate = v }, 1, math.MaxUint32 + 1},
		{"rate of 1 Tbit/s", func(q *state.Qdisc, v uint64) { q.Rate = v }, 125_000_000_000, math.MaxUint32},
		{"limit", func(q *state.Qdisc, v uint64) { q.Limit = uint32(v) }, 1, 1_000_000},
	} {
		t.Run(attribute.name, func(t *testing.T) {
			k := newKernel(t, Options{})
			lab := impairedLab()
			converge(t, k, lab)
			handle := sh(t, handleOf(ns1, "l1"))
			for _, value := range []uint64{attribute.one, attribute.to, 0, attribute.one} {
				q := everyImpairment
				attribute.set(&q, value)
				plan := converge(t, k, playOn(lab, impair(q)))
				if len(plan) != 1 || plan[0] != impair(q) {
					t.Errorf("%d: the plan is\n%s", value, texts(plan))
				}
				if now := sh(t, handleOf(ns1, "l1")); now != handle {
					t.Errorf("%d: the queue %s was replaced by %s", value, handle, now)
				}
			}
		})
	}
}

func handleOf(ns, name string) string {
	return "tc -n " + ns + " qdisc show dev " + name + " root | cut -d' ' -f2,3"
}

// The last impairment goes with its queueing discipline, and the first brings it.
func TestAnImpairmentGoesAwayWhole(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, impairedLab())
	converge(t, k, tutorialLab())
	if left := sh(t, "tc -n "+ns1+" qdisc show dev l1"); !strings.HasPrefix(left, "qdisc noqueue 0: root") {
		t.Errorf("left: %q", left)
	}
}

func TestAnEditLosesNothingUnderWay(t *testing.T) {
	k := newKernel(t, Options{})
	slow := state.Qdisc{Kind: state.Netem, Limit: 2000, Delay: 2 * time.Second}
	converge(t, k, playOn(tutorialLab(), impair(slow)))
	ping := exec.CommandContext(t.Context(), "ip", "netns", "exec", ns1, "ping", "-c1", "-W20", "192.0.2.254")
	ping.Stdout = t.Output()
	if err := ping.Start(); err != nil {
		t.Fatal(err)
	}
	sh(t, "until tc -s -n "+ns1+" qdisc show dev l1 | grep -q 'backlog .*b [1-9]'; do sleep .05; done")
	converge(t, k, playOn(tutorialLab(), impair(state.Qdisc{Kind: state.Netem, Limit: 1000, Rate: 1_000_000})))
	if err := ping.Wait(); err != nil {
		t.Errorf("what was under way is lost: %v", err)
	}
}
