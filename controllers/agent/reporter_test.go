// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/status"
)

// paper is where a reporter under test writes: when, and what about each lab.
type paper struct {
	*reporter
	begun   time.Time
	writes  []string
	version int

	lock   sync.Mutex
	refuse error
}

// onPaper runs a story about a reporter in a time of its own.
func onPaper(t *testing.T, story func(p *paper)) {
	synctest.Test(t, func(t *testing.T) {
		p := &paper{reporter: newReporter(nil, "n", v1alpha1.AgentIdentity{Version: "v1"}, 5*time.Second), begun: time.Now()}
		p.write = func(_ context.Context, status v1alpha1.NetLabNodeStateStatus) (string, error) {
			return p.print(status)
		}
		p.jitter = func(d time.Duration) time.Duration { return d }
		go p.run(t.Context())
		story(p)
	})
}

func (p *paper) print(said v1alpha1.NetLabNodeStateStatus) (string, error) {
	line := fmt.Sprintf("%s:", time.Since(p.begun).Round(time.Millisecond))
	for _, lab := range said.Labs {
		line += fmt.Sprintf(" %s=%s", lab.Name, status.ConditionsIn(&lab).Reachable.Reason)
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.refuse != nil {
		p.writes = append(p.writes, line+" refused")
		return "", p.refuse
	}
	p.writes = append(p.writes, line)
	p.version++
	return fmt.Sprint(p.version), nil
}

// answers makes the API server refuse writes from now on, or accept them again.
func (p *paper) answers(refusal error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.refuse = refusal
}

func (p *paper) says(lab, reason string) {
	report := v1alpha1.LabReport{Namespace: "default", Name: lab, Findings: &v1alpha1.Findings{Reachable: v1alpha1.Finding{Reason: reason}}}
	p.set(report)
}

// turn begins another page.
func (p *paper) turn() {
	synctest.Wait() // the writer is done
	p.writes, p.begun = nil, time.Now()
}

func (p *paper) wrote(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if !slices.Equal(p.writes, want) {
		t.Errorf("written:\n%s\nwant:\n%s", strings.Join(p.writes, "\n"), strings.Join(want, "\n"))
	}
}

// Four writes may follow each other after a quiet time, each holding what came together in a
// longer time; from then on there is one in five seconds.
func TestAFewChangesAreWrittenAtOnceAndFurtherOnesTogether(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.says("x", "AllProbesPass")
		p.open()
		for i := range 40 {
			time.Sleep(110 * time.Millisecond)
			p.says("x", fmt.Sprint("NoReply", i))
			p.says("y", "NoProbes")
		}
		time.Sleep(time.Minute)
		written := []string{"20ms: x=AllProbesPass", "210ms: x=NoReply0 y=NoProbes", "720ms: x=NoReply5 y=NoProbes", "3.27s: x=NoReply28 y=NoProbes", "5.8s: x=NoReply39 y=NoProbes"}
		p.wrote(t, written...)
		p.drop(types.NamespacedName{Namespace: "default", Name: "x"})
		time.Sleep(10 * time.Second)
		p.wrote(t, append(written, "1m9.42s: y=NoProbes")...)
	})
}

// A lab that is deleted and applied again is reported when it is there again, as the first change of a quiet time
// is. That one is gone takes no write of its own unless nothing else happens for a pause.
func TestALabThatIsDeletedAndAppliedAgainTakesOneWrite(t *testing.T) {
	x := types.NamespacedName{Namespace: "default", Name: "x"}
	onPaper(t, func(p *paper) {
		p.says("x", "AllProbesPass")
		p.says("y", "NoProbes")
		p.open()
		time.Sleep(time.Minute)
		p.turn()
		for i := range 6 {
			p.drop(x)
			time.Sleep(time.Second)
			p.says("x", fmt.Sprint("NoReply", i))
			time.Sleep(5 * time.Second)
		}
		p.wrote(t, "1.02s: x=NoReply0 y=NoProbes", "7.02s: x=NoReply1 y=NoProbes", "13.02s: x=NoReply2 y=NoProbes",
			"19.02s: x=NoReply3 y=NoProbes", "25.02s: x=NoReply4 y=NoProbes", "31.02s: x=NoReply5 y=NoProbes")
		p.turn()
		p.drop(x)
		time.Sleep(time.Second)
		p.drop(types.NamespacedName{Namespace: "default", Name: "y"})
		time.Sleep(10 * time.Second)
		p.wrote(t, "5.02s:")
	})
}

// Who edits a lab now and then sees soon what comes of it, six times in a row at least.
func TestAnEditIsReportedSoon(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.open()
		time.Sleep(time.Minute)
		p.turn()
		for i := range 7 {
			p.says("x", fmt.Sprint("NoReply", i))
			time.Sleep(3 * time.Second)
		}
		p.wrote(t, "20ms: x=NoReply0", "3.02s: x=NoReply1", "6.1s: x=NoReply2", "9.1s: x=NoReply3", "12.5s: x=NoReply4", "15.5s: x=NoReply5", "18.5s: x=NoReply6")
	})
}

// Labs that are applied together are reported together, unless they take too long; the last
// write before a pause waits longest.
func TestAWriteWaitsForLabsInTheQueue(t *testing.T) {
	onPaper(t, func(p *paper) {
		end := time.Now().Add(150 * time.Millisecond)
		p.busy = func() bool { return time.Now().Before(end) }
		p.says("x", "NoProbes")
		p.open()
		time.Sleep(100 * time.Millisecond)
		p.says("y", "NoProbes")
		time.Sleep(time.Minute)
		p.wrote(t, "150ms: x=NoProbes y=NoProbes")

		p.turn()
		p.busy = func() bool { return true }
		for i := range 20 {
			time.Sleep(510 * time.Millisecond)
			p.says("x", fmt.Sprint("NoReply", i))
		}
		time.Sleep(time.Minute)
		p.wrote(t, "730ms: x=NoReply0 y=NoProbes", "1.62s: x=NoReply2 y=NoProbes", "4.04s: x=NoReply6 y=NoProbes", "7.08s: x=NoReply12 y=NoProbes", "12.14s: x=NoReply19 y=NoProbes")
	})
}

// Thirty labs that keep an agent busy for two seconds are all reported when they are done: no write is
// spent on so few of them that the last ones have to wait for seconds more.
func TestManyLabsAppliedTogetherAreToldOfWhenTheyAreDone(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.open()
		time.Sleep(time.Minute)
		p.turn()
		const labs, each = 30, 65 * time.Millisecond
		p.busy = func() bool { return time.Since(p.begun) < labs*each }
		for i := range labs {
			time.Sleep(each)
			p.says(fmt.Sprint("lab", i), "AllProbesPass")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		var reported []string
		for _, line := range p.writes {
			at, _, _ := strings.Cut(line, ":")
			reported = append(reported, fmt.Sprintf("%s: %d", at, strings.Count(line, "=")))
		}
		if want := []string{"285ms: 4", "925ms: 14", "1.955s: 30"}; !slices.Equal(reported, want) {
			t.Errorf("labs reported: %v, want %v", reported, want)
		}
	})
}

func TestWhatIsSaidAgainIsNotWrittenAgain(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.says("x", "AllProbesPass")
		p.open()
		for range 100 {
			time.Sleep(time.Second)
			p.says("x", "AllProbesPass")
		}
		p.says("x", "NoReply")
		p.says("x", "AllProbesPass")
		p.wrote(t, "20ms: x=AllProbesPass")
	})
}

func TestNothingIsWrittenBeforeEveryLabWasInspected(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.says("x", "AllProbesPass")
		time.Sleep(time.Hour)
		p.wrote(t)
		p.open()
		time.Sleep(time.Second)
		p.wrote(t, "1h0m0.02s: x=AllProbesPass")
	})
}

func TestAWriteWaitsForFirstResults(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.open()
		time.Sleep(time.Minute)
		p.says("x", "Pending")
		time.Sleep(50 * time.Millisecond)
		p.says("x", "AllProbesPass")
		time.Sleep(time.Second)
		p.wrote(t, "20ms:", "1m0.05s: x=AllProbesPass")
	})
}

func TestAResultThatTakesLongerIsReportedAsPending(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.open()
		time.Sleep(time.Minute)
		p.says("x", "Pending")
		time.Sleep(3 * time.Second)
		p.says("x", "NoReply")
		time.Sleep(time.Minute)
		p.wrote(t, "20ms:", "1m0.22s: x=Pending", "1m3.02s: x=NoReply")
	})
}

func TestAFailedWriteIsTriedAgainEachTimeAfterTwiceAsLong(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.answers(errors.New("connection refused"))
		p.says("x", "NoProbes")
		p.open()
		time.Sleep(7 * time.Second)
		p.answers(nil)
		time.Sleep(time.Minute)
		p.wrote(t, "20ms: x=NoProbes refused", "1.02s: x=NoProbes refused", "3.02s: x=NoProbes refused", "7.02s: x=NoProbes")
	})
}

func TestANodeStateThatIsNotThereIsWaitedFor(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.answers(fmt.Errorf("report: %w", apierrors.NewNotFound(schema.GroupResource{}, "n")))
		p.says("x", "NoProbes")
		p.open()
		time.Sleep(time.Hour)
		p.wrote(t, "20ms: x=NoProbes refused")
		p.answers(nil)
		p.observe(nodeState("7"))
		time.Sleep(time.Second)
		p.wrote(t, "20ms: x=NoProbes refused", "1h0m0.02s: x=NoProbes")
	})
}

func TestANodeStateThatIsCreatedAgainIsFilledAgain(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.says("x", "NoProbes")
		p.open()
		time.Sleep(time.Minute)
		p.observe(nil)
		p.observe(nodeState("9"))
		time.Sleep(time.Second)
		p.wrote(t, "20ms: x=NoProbes", "1m0.02s: x=NoProbes")
	})
}

func TestAnEchoOfAnEarlierWriteChangesNothing(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.version = 10
		p.says("x", "NoProbes")
		p.open()
		time.Sleep(time.Minute)
		p.observe(nodeState("3"))
		time.Sleep(time.Minute)
		p.wrote(t, "20ms: x=NoProbes")
	})
}

func TestAnAgentThatFindsItsReportThereWritesNothing(t *testing.T) {
	onPaper(t, func(p *paper) {
		p.says("x", "NoProbes")
		there := nodeState("3")
		there.Status = p.status()
		p.observe(there)
		p.open()
		time.Sleep(time.Minute)
		p.wrote(t)
	})
}

func nodeState(version string) *v1alpha1.NetLabNodeState {
	state := &v1alpha1.NetLabNodeState{}
	state.ResourceVersion = version
	return state
}

func TestAReportThatIsTooLargeShedsWhatMattersLeast(t *testing.T) {
	status := v1alpha1.NetLabNodeStateStatus{LabCount: 3}
	for i := range 3 {
		status.Labs = append(status.Labs, v1alpha1.LabReport{
			Name:          fmt.Sprint("lab", i),
			Findings:      &v1alpha1.Findings{},
			Drift:         []string{strings.Repeat("d", 1000)},
			FailingProbes: []v1alpha1.ProbeReport{{Name: "p", Message: strings.Repeat("m", 1000)}},
		})
	}
	full := encodedSize(status)
	for _, c := range []struct {
		limit, labs, drift, message int
	}{
		{full, 3, 1, 1000},
		{full - 1, 3, 0, 1000},
		{full - 3100, 3, 0, 0},
		{700, 2, 0, 0},
		{100, 0, 0, 0},
	} {
		got := capped(status, c.limit)
		if got.LabCount != 3 || len(got.Labs) != c.labs || encodedSize(got) > c.limit {
			t.Errorf("at %d bytes: %d of %d labs in %d bytes", c.limit, len(got.Labs), got.LabCount, encodedSize(got))
		}
		if c.labs > 0 && (len(got.Labs[0].Drift) != c.drift || len(got.Labs[0].FailingProbes[0].Message) != c.message) {
			t.Errorf("at %d bytes: %d differences, %d bytes of message", c.limit, len(got.Labs[0].Drift), len(got.Labs[0].FailingProbes[0].Message))
		}
	}
	if len(status.Labs[0].Drift) != 1 || status.Labs[0].FailingProbes[0].Message == "" {
		t.Error("capped changed what it was given")
	}
}

// An agent that starts again finds what the one before it has reported. What is still true is not taken back, however long
// the inspection or the first result takes; what has changed is written, and what is gone is left out.
func TestAfterARestartWhatIsStillTrueIsNotWritten(t *testing.T) {
	x, y := types.NamespacedName{Namespace: "default", Name: "x"}, types.NamespacedName{Namespace: "default", Name: "y"}
	for _, c := range []struct {
		name   string
		gone   bool // y was deleted meanwhile
		happen func(p *paper)
		want   []string
	}{
		{"results are as before", false, func(p *paper) { p.says("x", "AllProbesPass"); p.says("y", "NoProbes") }, nil},
		{"a lab is not inspected", false, func(p *paper) { p.says("x", "AllProbesPass") }, nil},
		{"a probe fails now", false, func(p *paper) { p.says("x", "NoReply") }, []string{"1m0.02s: x=NoReply y=NoProbes"}},
		{"a lab is edited", false, func(p *paper) {
			p.set(v1alpha1.LabReport{Namespace: "default", Name: "x", ObservedGeneration: 2, Findings: &v1alpha1.Findings{Reachable: v1alpha1.Finding{Reason: v1alpha1.ReasonPending}}})
		}, []string{"1m0.22s: x=Pending y=NoProbes"}},
		{"a lab is deleted", false, func(p *paper) { p.drop(y) }, []string{"1m5.22s: x=AllProbesPass"}},
		{"a lab was deleted before", true, func(p *paper) { p.says("x", "NoReply") }, []string{"5.22s: x=AllProbesPass", "1m0.02s: x=NoReply"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before v1alpha1.NetLabNodeState
			onPaper(t, func(p *paper) {
				p.says("x", "AllProbesPass")
				p.says("y", "NoProbes")
				before.Status = p.status()
			})
			onPaper(t, func(p *paper) {
				if c.gone {
					p.expect([]types.NamespacedName{x})
				}
				p.observe(&before)
				p.says("x", v1alpha1.ReasonPending)
				p.open()
				time.Sleep(time.Minute)
				c.happen(p)
				time.Sleep(time.Minute)
				p.wrote(t, c.want...)
			})
		})
	}
}
