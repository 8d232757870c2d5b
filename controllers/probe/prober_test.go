// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// start runs a Prober on a network, inside a synctest bubble, and writes down its reports.
func start(t *testing.T, n *network, hooks ...Hook) (*Prober, *journal) {
	j := newJournal()
	p := New(n.dial, j.report, hooks...)
	t.Cleanup(func() {
		p.Close()
		wantNoTrace(t, n)
	})
	return p, j
}

func TestFirstVerdict(t *testing.T) {
	reply, noRoute := replyIn(5*time.Millisecond), refusedWith(syscall.ENETUNREACH)
	tests := []struct {
		name   string
		expect Expectation
		script []event
		want   []string
	}{
		{"one reply is enough", Reachable, []event{reply}, []string{
			"0s p1 Unknown NotAsked", "5ms p1 Pass Reply",
		}},
		{"one reply is too many", Unreachable, []event{reply}, []string{
			"0s p1 Unknown NotAsked", "5ms p1 Fail Reply",
		}},
		{"silence for threshold times timeout", Reachable, []event{lost}, []string{
			"0s p1 Unknown NotAsked", "1s p1 Unknown NoReply", "3s p1 Fail NoReply",
		}},
		{"silence, as expected", Unreachable, []event{lost}, []string{
			"0s p1 Unknown NotAsked", "1s p1 Unknown NoReply", "3s p1 Pass NoReply",
		}},
		{"a reply at the last attempt", Reachable, []event{lost, lost, reply}, []string{
			"0s p1 Unknown NotAsked", "1s p1 Unknown NoReply", "2.005s p1 Pass Reply",
		}},
		{"the kernel knows at once", Reachable, []event{noRoute}, []string{"0s p1 Fail NoRoute"}},
		{"the kernel knows at once, as expected", Unreachable, []event{noRoute}, []string{"0s p1 Pass NoRoute"}},
		{"errors and silence count alike", Reachable, []event{noRoute, lost, noRoute}, []string{
			"0s p1 Unknown NoRoute", "1s p1 Fail NoRoute",
		}},
		{"no memory proves nothing", Unreachable, []event{refusedWith(syscall.ENOMEM)}, []string{"0s p1 Unknown SocketError"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				prober, journal := start(t, newNetwork(test.script...))
				prober.Run("lab", []Spec{p1(test.expect)}, 1)
				time.Sleep(9 * time.Second)
				wantLines(t, journal.read(), test.want...)
			})
		})
	}
}

// TestChangeOfVerdict begins each scenario at the first attempt after the first verdict: that one is at 0 s,
// the next at 10 s.
func TestChangeOfVerdict(t *testing.T) {
	reply, noMemory := replyIn(0), refusedWith(syscall.ENOMEM)
	tests := []struct {
		name   string
		expect Expectation
		script []event // the first one is the first verdict's
		want   []string
	}{
		{"reachable fails at the third silence in a row", Reachable, []event{reply, lost, lost, reply, lost}, []string{
			"1s p1 Pass NoReply", "1.5s p1 Pass Reply", "11s p1 Pass NoReply", "12.5s p1 Fail NoReply",
		}},
		{"reachable passes at the first reply", Reachable, []event{lost, lost, lost, lost, reply}, []string{
			"10s p1 Pass Reply",
		}},
		{"unreachable fails at the first reply, passes at the third silence", Unreachable, []event{lost, lost, lost, reply, lost}, []string{
			"0s p1 Fail Reply", "11s p1 Fail NoReply", "12.5s p1 Pass NoReply",
		}},
		{"a reply restarts the count of missing replies", Unreachable, []event{reply, lost, lost, reply, lost}, []string{
			"1s p1 Fail NoReply", "1.5s p1 Fail Reply", "11s p1 Fail NoReply", "12.5s p1 Pass NoReply",
		}},
		{"what cannot be asked for long is unknown", Reachable, []event{reply, noMemory}, []string{
			"0s p1 Pass SocketError", "20s p1 Unknown SocketError",
		}},
		{"what cannot be asked once changes nothing", Reachable, []event{reply, noMemory, lost, noMemory, lost, lost}, []string{
			"0s p1 Pass SocketError", "11s p1 Pass SocketError", "21s p1 Pass NoReply", "22s p1 Fail NoReply",
		}},
		{"a reply restarts the count of attempts that could not send", Reachable, []event{reply, noMemory, noMemory, reply, noMemory, noMemory, reply}, []string{
			"0s p1 Pass SocketError", "20s p1 Pass Reply", "30s p1 Pass SocketError", "50s p1 Pass Reply",
		}},
		{"a verdict after unknown needs all its evidence", Reachable, []event{reply, lost, lost, noMemory, noMemory, noMemory, lost}, []string{
			"1s p1 Pass NoReply", "1.5s p1 Pass SocketError", "20s p1 Unknown SocketError", "31s p1 Unknown NoReply", "33s p1 Fail NoReply",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				prober, journal := start(t, newNetwork(test.script...))
				prober.Run("lab", []Spec{p1(test.expect)}, 1)
				journal.restartAt(t, firstBeat(t, journal.began, p1(test.expect)))
				time.Sleep(time.Minute)
				wantLines(t, journal.read(), test.want...)
			})
		})
	}
}

// TestWake wakes a probe at 4 s, between its first verdict and its first beat, and counts from there.
func TestWake(t *testing.T) {
	reply, noRoute := replyIn(time.Millisecond), refusedWith(syscall.ENETUNREACH)
	slow, slower := replyIn(100*time.Millisecond), replyIn(600*time.Millisecond)
	tests := []struct {
		name   string
		script []event // the first one is the first verdict's
		again  bool    // woken every 10 ms from then on
		want   []string
		asked  []time.Duration
	}{
		{"all is well: one attempt", []event{reply}, false, nil, []time.Duration{0}},
		{"a broken path is overdue early, and known after two timeouts", []event{reply, lost}, false,
			[]string{"250ms p1 Pass Reply overdue", "1s p1 Pass NoReply overdue", "2s p1 Fail NoReply"}, []time.Duration{0, time.Second / 2, time.Second}},
		{"a reply is overdue after four of the slowest round trips", []event{slow, lost}, false,
			[]string{"400ms p1 Pass Reply overdue", "1s p1 Pass NoReply overdue", "2s p1 Fail NoReply"}, []time.Duration{0, time.Second / 2, time.Second}},
		{"a reply may take most of the timeout", []event{slower, lost}, false,
			[]string{"1s p1 Pass NoReply", "2s p1 Fail NoReply"}, []time.Duration{0, time.Second / 2, time.Second}},
		{"a reply that was overdue is one", []event{reply, slower}, false,
			[]string{"250ms p1 Pass Reply overdue", "600ms p1 Pass Reply"}, []time.Duration{0, time.Second / 2}},
		{"what the kernel knows takes no timeout", []event{reply, noRoute}, false,
			[]string{"0s p1 Fail NoRoute"}, []time.Duration{0, 0, 0}},
		{"one loss is not three", []event{reply, lost, reply}, false,
			[]string{"250ms p1 Pass Reply overdue", "501ms p1 Pass Reply"}, []time.Duration{0, time.Second / 2}},
		{"a path that is there again passes at once", []event{lost, lost, lost, reply}, false,
			[]string{"1ms p1 Pass Reply"}, []time.Duration{0}},
		{"a storm of events: once per timeout", []event{reply}, true, nil, []time.Duration{0, time.Second, 2 * time.Second}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(test.script...)
				prober, journal := start(t, n)
				s := p1(Reachable)
				prober.Run("lab", []Spec{s}, 1)
				time.Sleep(4 * time.Second)
				if beat := firstBeat(t, journal.began, s).Sub(journal.began); beat < 6600*time.Millisecond {
					t.Fatalf("the first beat is at %v, while the probe is woken", beat)
				}
				before := len(n.attempts())
				journal.restartAt(t, time.Now())
				prober.Wake("lab")
				for range 250 {
					time.Sleep(10 * time.Millisecond)
					if test.again {
						prober.Wake("lab")
					}
				}
				asked := n.attempts()[before:]
				for i := range asked {
					asked[i] -= 4 * time.Second
				}
				wantLines(t, journal.read(), test.want...)
				if !slices.Equal(asked, test.asked) {
					t.Errorf("attempts at %v, want %v", asked, test.asked)
				}
			})
		})
	}
}

// Whatever one or two lost or late packets in a row there are between replies, events prove no failure. A reply is overdue
// once; after that, the probe knows that packets are lost there.
func TestLostPacketsOfALossyLinkAreNoFailure(t *testing.T) {
	reply, late := replyIn(time.Millisecond), replyIn(600*time.Millisecond)
	for name, losses := range map[string][]event{"every second": {lost}, "two of three": {lost, lost}, "late": {late, late, late}, "late and lost": {lost, late}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				script := []event{reply}
				for range 1000 {
					script = append(append(script, losses...), reply)
				}
				n := newNetwork(script...)
				prober, journal := start(t, n)
				prober.Run("lab", []Spec{p1(Reachable)}, 1)
				for range 60 {
					time.Sleep(2 * time.Second)
					prober.Wake("lab")
				}
				lines := strings.Join(journal.read(), "\n")
				if strings.Contains(lines, "Fail") || strings.Count(lines, " Reply overdue") > 1 {
					t.Error(lines)
				}
				if asked := len(n.attempts()); asked < 60 || asked >= len(script) {
					t.Errorf("%d attempts of a script of %d", asked, len(script))
				}
			})
		})
	}
}

// firstBeat is when the first attempt after the first verdict is due, if that verdict takes 3 s or less.
func firstBeat(t *testing.T, began time.Time, s Spec) time.Time {
	t.Helper()
	beat := newSchedule(began, "lab", s).first
	if beat.Sub(began) <= 3*time.Second {
		t.Fatalf("the first beat of %s is at %v, before its first verdict: give it another name", s.Name, beat.Sub(began))
	}
	return beat
}

func TestPace(t *testing.T) {
	const second = time.Second
	phase := func(key string, s Spec) time.Duration {
		epoch := time.Unix(0, 0)
		return newSchedule(epoch, key, s).first.Sub(epoch)
	}
	beat := phase("lab", p1(Reachable))
	tests := []struct {
		name   string
		script []event
		want   []time.Duration
	}{
		{"after a reply, every period", []event{replyIn(0)}, []time.Duration{0, beat, beat + 10*second, beat + 20*second}},
		{"silence follows silence, then every period", []event{lost}, []time.Duration{0, second, 2 * second, beat, beat + 10*second, beat + 20*second}},
		{"an error of the kernel does not make it spin", []event{refusedWith(syscall.ENETUNREACH)}, []time.Duration{0, 0, 0, beat, beat + 10*second, beat + 20*second}},
		{"what cannot be asked waits a timeout, then a period", []event{refusedWith(syscall.ENOMEM)}, []time.Duration{0, second, 2 * second, beat, beat + 10*second, beat + 20*second}},
		{"after unknown, the first verdict is in a hurry again", []event{
			refusedWith(syscall.ENOMEM), refusedWith(syscall.ENOMEM), refusedWith(syscall.ENOMEM), lost,
		}, []time.Duration{0, second, 2 * second, beat, beat + second, beat + 2*second, beat + 10*second, beat + 20*second}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(test.script...)
				prober, _ := start(t, n)
				prober.Run("lab", []Spec{p1(Reachable)}, 1)
				time.Sleep(beat + 25*second)
				if got := n.attempts(); !slices.Equal(got, test.want) {
					t.Errorf("attempts at %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestATimeoutLongerThanThePeriodSkipsBeats(t *testing.T) {
	began := time.Unix(0, 0)
	s := schedule{first: began, period: 10 * time.Second}
	for _, test := range []struct{ now, want time.Duration }{
		{-3 * time.Second, 3 * time.Second},
		{0, 10 * time.Second},
		{12 * time.Second, 8 * time.Second},
		{30 * time.Second, 10 * time.Second},
	} {
		if got := s.untilNext(began.Add(test.now)); got != test.want {
			t.Errorf("at %v the next beat is in %v, want %v", test.now, got, test.want)
		}
	}
}

func TestPhasesSpreadOverThePeriod(t *testing.T) {
	const probes, slots = 256, 16
	epoch := time.Unix(0, 0)
	inSlot := make([]int, slots)
	for i := range probes {
		s := p1(Reachable)
		s.Name = fmt.Sprintf("p%d", i)
		phase := newSchedule(epoch, "lab", s).first.Sub(epoch)
		if phase < 0 || phase >= s.Period {
			t.Fatalf("the phase of %s is %v, outside its period of %v", s.Name, phase, s.Period)
		}
		inSlot[phase*slots/s.Period]++
	}
	if most := slices.Max(inSlot); most > 2*probes/slots {
		t.Errorf("of %d probes, %d start in one of %d slots: %v", probes, most, slots, inSlot)
	}
	p6 := p1(Reachable)
	p6.To = six
	one := newSchedule(epoch, "lab", p1(Reachable))
	if one != newSchedule(epoch, "lab", p1(Reachable)) {
		t.Error("the same probe has two phases")
	}
	if one == newSchedule(epoch, "other", p1(Reachable)) || one == newSchedule(epoch, "lab", p6) {
		t.Error("the same name in another lab, or to another address, has the same phase")
	}
}

// TestForeignRepliesAreNotHeard lets every forgery arrive, over and over, where a reply is awaited.
func TestForeignRepliesAreNotHeard(t *testing.T) {
	for _, forgery := range forgeries {
		t.Run(forgery.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(func(n *network, request []byte, _ netip.Addr) error {
					message, src := forgery.forge(request)
					n.deliver(time.Millisecond, message, src)
					n.deliver(2*time.Millisecond, message, src)
					return nil
				})
				if got := Once(t.Context(), n.dial, p1(Unreachable)); got.Verdict != Pass || got.Outcome != NoReply {
					t.Errorf("it was taken for a reply: %+v", got)
				}
			})
		})
	}
}

func TestTheReplyIsFoundAmongOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(func(n *network, request []byte, dst netip.Addr) error {
			for i, forgery := range forgeries {
				message, src := forgery.forge(slices.Clone(request))
				n.deliver(time.Duration(i)*time.Millisecond, message, src)
			}
			n.deliver(time.Second/2, replyTo(request), dst)
			return nil
		})
		if got := Once(t.Context(), n.dial, p1(Reachable)); got.Verdict != Pass || got.RTT != time.Second/2 {
			t.Errorf("got %+v, want Pass after 500ms", got)
		}
	})
}

func TestLateAndDuplicatedRepliesAnswerNoOtherAttempt(t *testing.T) {
	late := replyIn(1500 * time.Millisecond)
	twice := func(n *network, request []byte, dst netip.Addr) error {
		n.deliver(time.Millisecond, replyTo(request), dst)
		n.deliver(9*time.Second, replyTo(request), dst) // while a later attempt waits
		return nil
	}
	t.Run("late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if got := Once(t.Context(), newNetwork(late).dial, p1(Reachable)); got.Verdict != Fail || got.Outcome != NoReply {
				t.Errorf("replies that are all late count: %+v", got)
			}
		})
	})
	t.Run("duplicated", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var outcomes []Outcome
			ask := func(a Attempt) { outcomes = append(outcomes, a.Outcome) }
			if err := Ping(t.Context(), newNetwork(twice, lost).dial, p1(Reachable), 10, time.Second, ask); err != nil {
				t.Fatal(err)
			}
			if want := append([]Outcome{Reply}, slices.Repeat([]Outcome{NoReply}, 9)...); !slices.Equal(outcomes, want) {
				t.Errorf("got %v, want %v", outcomes, want)
			}
		})
	})
}

func TestProbesFromOnePlaceDoNotMixUpTheirReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const probes = 32
		n := newNetwork(func(n *network, request []byte, dst netip.Addr) error {
			if dst == ns2 {
				return nil
			}
			return replyIn(time.Millisecond)(n, request, dst)
		})
		prober, _ := start(t, n)
		var specs []Spec
		for i := range probes {
			s := p1(Reachable)
			s.Name = fmt.Sprintf("p%d", i)
			if i%2 == 0 {
				s.To = ns1
			}
			specs = append(specs, s)
		}
		prober.Run("lab", specs, 1)
		time.Sleep(5 * time.Second)
		for i, r := range prober.Results("lab") {
			if want := [...]Verdict{Pass, Fail}[i%2]; r.Verdict != want || r.Spec != specs[i] {
				t.Errorf("%s to %s: %s, want %s", r.Spec.Name, r.Spec.To, r.Verdict, want)
			}
		}
	})
}

func TestRunTwiceWithTheSameSetDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(time.Millisecond))
		prober, journal := start(t, n)
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		time.Sleep(2 * time.Second)
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		time.Sleep(time.Second)
		wantLines(t, journal.read(), "0s p1 Unknown NotAsked", "1ms p1 Pass Reply")
		if got := len(n.attempts()); got != 1 {
			t.Errorf("%d attempts, want 1", got)
		}
	})
}

func TestRunKeepsItsOwnCopyOfTheSpecs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		prober, journal := start(t, newNetwork(replyIn(time.Millisecond)))
		specs := []Spec{p1(Reachable)}
		prober.Run("lab", specs, 1)
		time.Sleep(time.Second)
		specs[0].Expect = Unreachable
		prober.Run("lab", specs, 1)
		time.Sleep(time.Second)
		wantLines(t, journal.read(),
			"0s p1 Unknown NotAsked", "1ms p1 Pass Reply", "1s p1 Unknown NotAsked", "1.001s p1 Fail Reply")
	})
}

func TestANewSetStartsOnlyWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(time.Millisecond))
		prober, journal := start(t, n)
		kept, gone, changed := p1(Reachable), p1(Reachable), p1(Reachable)
		kept.Name, gone.Name, changed.Name = "kept", "gone", "changed"
		prober.Run("lab", []Spec{gone, kept, changed}, 1)
		time.Sleep(time.Second)
		changed.Expect = Unreachable
		prober.Run("lab", []Spec{changed, kept}, 1)
		time.Sleep(time.Second)
		wantLines(t, journal.read(),
			"0s gone Unknown NotAsked, kept Unknown NotAsked, changed Unknown NotAsked",
			"1ms gone Pass Reply, kept Pass Reply, changed Pass Reply",
			"1s changed Unknown NotAsked, kept Pass Reply",
			"1.001s changed Fail Reply, kept Pass Reply")
		if got := len(n.attempts()); got != 4 {
			t.Errorf("%d attempts, want 4: one of each at first, one of the changed one", got)
		}
	})
}

func TestAProbeThatIsGoneStopsAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(0))
		prober, _ := start(t, n)
		gone := p1(Reachable)
		gone.To = six
		prober.Run("lab", []Spec{p1(Reachable), gone}, 1)
		time.Sleep(time.Second)
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		keptBefore, goneBefore := n.asked(ns2), n.asked(six)
		time.Sleep(time.Minute)
		if kept, gone := n.asked(ns2)-keptBefore, n.asked(six)-goneBefore; kept != 6 || gone != 0 {
			t.Errorf("in the minute after, the one that stays asked %d times and the other %d times, want 6 and 0", kept, gone)
		}
	})
}

func TestANewGenerationProvesEverythingAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(time.Millisecond), lost)
		prober, journal := start(t, n)
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		time.Sleep(2 * time.Second)
		prober.Run("lab", []Spec{p1(Reachable)}, 2)
		time.Sleep(4 * time.Second)
		wantLines(t, journal.read(),
			"0s p1 Unknown NotAsked", "1ms p1 Pass Reply",
			"2s p1 Unknown NotAsked", "3s p1 Unknown NoReply", "5s p1 Fail NoReply")
		if got := prober.Results("lab")[0].Generation; got != 2 {
			t.Errorf("the result is of generation %d, want 2", got)
		}
	})
}

func TestAnAnswerOfAnOldGenerationIsNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(time.Millisecond), lost)
		prober, journal := start(t, n)
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		synctest.Wait() // its reply is under way
		prober.Run("lab", []Spec{p1(Reachable)}, 2)
		time.Sleep(4 * time.Second)
		wantLines(t, journal.read(), "0s p1 Unknown NotAsked", "1s p1 Unknown NoReply", "3s p1 Fail NoReply")
	})
}

func TestTheSameQuestionTwiceIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(time.Millisecond))
		prober, journal := start(t, n)
		prober.Run("lab", []Spec{p1(Reachable), p1(Reachable)}, 1)
		time.Sleep(time.Second)
		wantLines(t, journal.read(), "0s p1 Unknown NotAsked, p1 Unknown NotAsked", "1ms p1 Pass Reply, p1 Pass Reply")
		if got := len(n.attempts()); got != 1 {
			t.Errorf("%d attempts, want 1", got)
		}
	})
}

func TestSocketsAreOpenOnlyDuringAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(time.Millisecond))
		prober, _ := start(t, n)
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		synctest.Wait()
		if open := n.openSockets(); open != 1 {
			t.Errorf("%d sockets are open during an attempt, want 1", open)
		}
		time.Sleep(2 * time.Millisecond)
		if open := n.openSockets(); open != 0 {
			t.Errorf("%d sockets are open between attempts, want none", open)
		}
	})
}

func TestStopLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(lost)
		prober, journal := start(t, n)
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		time.Sleep(500 * time.Millisecond)
		stopping := time.Now()
		prober.Stop("lab")
		if open, took := n.openSockets(), time.Since(stopping); open != 0 || took != 0 {
			t.Errorf("Stop took %v and left %d sockets open, want neither", took, open)
		}
		time.Sleep(time.Minute)
		wantLines(t, journal.read(), "0s p1 Unknown NotAsked")
		if got := len(n.attempts()); got != 1 {
			t.Errorf("%d attempts, want the one that Stop interrupted", got)
		}
		if got := prober.Results("lab"); got != nil {
			t.Errorf("results after Stop: %s", told(got))
		}
		prober.Stop("lab")
	})
}

func TestStopDuringAPauseOpensNoMoreSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(0))
		prober, _ := start(t, n)
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		time.Sleep(time.Second)
		prober.Stop("lab")
		if got := len(n.dials); got != 1 {
			t.Errorf("%d sockets were opened, want 1", got)
		}
	})
}

// TestTheReportUnderWayIsTheLast has a change wait behind a slow report when Stop is called, in many labs
// because it would be reported in half of them.
func TestTheReportUnderWayIsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, ended := 0, 0
		prober := New(newNetwork(replyIn(time.Millisecond)).dial, func(string, []Result) {
			begun++
			time.Sleep(time.Second)
			ended++
		})
		for range 20 {
			prober.Run("lab", []Spec{p1(Reachable)}, 1)
			time.Sleep(500 * time.Millisecond)
			prober.Stop("lab")
		}
		if begun != 20 || ended != 20 {
			t.Errorf("%d reports began and %d ended before Stop returned, want 20", begun, ended)
		}
	})
}

func TestStopOfOneLabLeavesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(0))
		prober, _ := start(t, n)
		other := p1(Reachable)
		other.To = six
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		prober.Run("other", []Spec{other}, 1)
		time.Sleep(time.Second)
		prober.Stop("lab")
		stopped, running := n.asked(ns2), n.asked(six)
		time.Sleep(time.Minute)
		stopped, running = n.asked(ns2)-stopped, n.asked(six)-running
		if stopped != 0 || running != 6 {
			t.Errorf("a minute after Stop, the stopped one asked %d times and the other %d times, want 0 and 6", stopped, running)
		}
	})
}

func TestAClosedProberRunsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(lost)
		prober, journal := start(t, n)
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		time.Sleep(time.Millisecond)
		prober.Close()
		wantNoTrace(t, n)
		prober.Run("lab", []Spec{p1(Unreachable)}, 2)
		time.Sleep(time.Minute)
		wantLines(t, journal.read(), "0s p1 Unknown NotAsked")
	})
}

func TestAReportMayCallBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(time.Millisecond))
		var prober *Prober
		prober = New(n.dial, func(key string, results []Result) {
			if results[0].Generation == 1 {
				prober.Run(key, []Spec{p1(Reachable)}, 2)
			}
		})
		defer prober.Close()
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		time.Sleep(time.Second)
		if got := prober.Results("lab")[0]; got.Generation != 2 || got.Verdict != Pass {
			t.Errorf("got %s of generation %d, want Pass of generation 2", got.Verdict, got.Generation)
		}
	})
}

// TestCallsAtTheSameTime is for the race detector.
func TestCallsAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		prober, _ := start(t, newNetwork(replyIn(time.Microsecond), refusedWith(syscall.ENETUNREACH), lost))
		var callers sync.WaitGroup
		for caller := range 8 {
			key := fmt.Sprintf("lab%d", caller%2)
			callers.Go(func() {
				for generation := range int64(50) {
					prober.Run(key, []Spec{p1(Reachable), p1(Unreachable)}, generation)
					time.Sleep(time.Millisecond)
					prober.Results(key)
					if generation%10 == 9 {
						prober.Stop(key)
					}
				}
			})
		}
		callers.Wait()
	})
}

func TestEveryAttemptIsObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		observe := func(s Spec, rtt time.Duration, o Outcome) { seen = append(seen, fmt.Sprint(s.Name, " ", rtt, " ", o)) }
		n := newNetwork(lost, replyIn(5*time.Millisecond), replyIn(7*time.Millisecond))
		prober, journal := start(t, n, Observe(observe))
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		time.Sleep(12 * time.Second)
		prober.Close()
		wantLines(t, seen, "p1 0s NoReply", "p1 5ms Reply", "p1 7ms Reply")
		wantLines(t, journal.read(), "0s p1 Unknown NotAsked", "1s p1 Unknown NoReply", "1.005s p1 Pass Reply")
	})
}

func TestTheLatestRoundTripTimeIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		prober, _ := start(t, newNetwork(replyIn(5*time.Millisecond), replyIn(7*time.Millisecond), lost))
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		time.Sleep(25 * time.Second)
		got := prober.Results("lab")[0]
		if got.RTT != 7*time.Millisecond || got.Outcome != NoReply || got.Err == "" {
			t.Errorf("got %+v, want NoReply with an error, and the 7ms of the last reply", got)
		}
	})
}
