// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	// reportCap is what a NetLabNodeState may hold; controllers sheds what is over.
	reportCap = 512 << 10
	// labCap is what a NetLab may take, however many nodes it is on.
	labCap = 100 << 10
	// requestCap is the largest request that etcd takes by default.
	requestCap = 1536 << 10
	// reportBurst is how many reports may follow each other after a quiet time.
	reportBurst = 4
)

// result is what a run has shown.
type result struct {
	options       options
	comparePeriod time.Duration
	phases        []phase
	// lab and state are the largest objects of all time, in bytes of JSON.
	lab, state int
	takers     takers
	// failedReports counts reports that failed and were tried again.
	failedReports int
	// restarts counts how often the controller ended by itself.
	restarts int
	// database is etcd's, in bytes.
	database int
}

// broken lists the promises that were not kept. All are counts.
func (r result) broken() []error {
	var list []error
	expect := func(kept bool, format string, args ...any) {
		if !kept {
			list = append(list, fmt.Errorf("broken promise: "+format, args...))
		}
	}
	for _, p := range r.phases {
		expect(p.unready == 0, "%s: %d labs are not Ready at their generation", p.name, p.unready)
		expect(p.reports <= r.reportsAllowed(p), "%s: an agent reported %d times, %d were allowed", p.name, p.reports, r.reportsAllowed(p))
		written, allowed := p.writes.of("netlabs", "status"), r.statusesAllowed(p)
		expect(written <= allowed, "%s: %d writes of NetLab status, %d were allowed", p.name, written, allowed)
		if p.name == "nothing happens" {
			expect(p.writes.total() == 0, "%s: %v was written in addition to Leases", p.name, p.writes.done)
		}
	}
	expect(r.lab < labCap, "a NetLab took %d bytes, %d is the limit", r.lab, labCap)
	expect(r.state < reportCap, "a NetLabNodeState took %d bytes, %d is the limit", r.state, reportCap)
	return list
}

// reportsAllowed is the most one agent may write in a phase: a burst, then one in each pause.
func (r result) reportsAllowed(p phase) int64 {
	return reportBurst + int64(p.length/r.options.pause) + 1
}

// statusesAllowed is the most the controller may write in a phase: each lab turns to Progressing
// and to Ready, with a reason in between, and says how far it is every 10 ms times the nodes.
func (r result) statusesAllowed(p phase) int {
	progress := int(p.length / (time.Duration(r.options.nodes) * 10 * time.Millisecond))
	return r.options.labs * (4 + progress)
}

// print writes Markdown.
func (r result) print(out io.Writer) {
	r.printPhases(out)
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	r.printMeasured(say)
	say("Each agent compared its kernel every %s. Times are upper bounds: API server, etcd and %d agents share this machine.",
		r.comparePeriod, r.options.nodes)
	say("")
	r.extrapolate(say, 5000, 300)
}

func (r result) printPhases(out io.Writer) {
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	say("%d nodes, %d labs on each:\n", r.options.nodes, r.options.labs)
	say("| phase | done after | p50 | p99 | reports | most by one node | NetLab status | Events | test's own | mean writes/s | peak | refused |")
	say("|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, p := range r.phases {
		reports, statuses, events := p.writes.of("netlabnodestates", "status"), p.writes.of("netlabs", "status"), p.writes.of("events", "")
		created := p.writes.of("netlabnodestates", "")
		own := p.writes.total() - reports - statuses - events - created
		say("| %s | %s | %s | %s | %d | %d | %d | %d | %d | %.0f | %.0f | %d |", p.name, seconds(p.done),
			seconds(quantile(p.ready, 0.5)), seconds(quantile(p.ready, 0.99)), reports+created, p.reports, statuses, events, own,
			float64(p.writes.total())/max(p.length.Seconds(), 1), p.peak, p.writes.refused)
	}
	say("")
}

func (r result) printMeasured(say func(string, ...any)) {
	say("| measured | | limit |")
	say("|---|---|---|")
	say("| largest NetLab | %s | %s |", size(r.lab), size(labCap))
	say("| largest NetLabNodeState | %s | %s of etcd's %s |", size(r.state), size(reportCap), size(requestCap))
	for _, taker := range []struct {
		name string
		usage
	}{
		{"controller", r.takers.controller}, {"API server", r.takers.apiServer}, {"etcd", r.takers.etcd},
		{fmt.Sprintf("%d simulated agents in one process", r.options.nodes), r.takers.agents},
	} {
		say("| %s: peak memory (RSS), CPU in all phases | %s, %s | |", taker.name, size(int(taker.peak)), seconds(taker.cpu))
	}
	say("| controller, restarts for want of a Lease | %d | |", r.restarts)
	say("| reports that failed and were repeated | %d | |", r.failedReports)
	say("| etcd's database | %s | 2 GiB by default |", size(r.database))
	say("")
}

// extrapolate says what the figures per node and per lab come to in a larger fleet. It is
// arithmetic, not a measurement.
func (r result) extrapolate(say func(string, ...any), nodes, labs int) {
	state := r.state * labs / r.options.labs
	say("By arithmetic, %d nodes with %d labs on each:", nodes, labs)
	say("")
	say("| | | from |")
	say("|---|---|---|")
	say("| NetLabNodeState | %s of %s | %d bytes per lab |", size(state), size(reportCap), r.state/r.options.labs)
	say("| reports in the long run, at most | %.0f/s, %s/s | one per node in %s |",
		float64(nodes)/r.options.pause.Seconds(), size(int(float64(nodes*state)/r.options.pause.Seconds())), r.options.pause)
	for _, p := range r.phases {
		if len(p.ready) == 0 {
			continue
		}
		each := float64(p.writes.of("netlabnodestates", "status")) / float64(r.options.nodes)
		say("| %s: reports | %.0f, %s through etcd, which keeps 2 GiB by default between two compactions | %.1f per node |", p.name, each*float64(nodes), size(int(each*float64(nodes*state))), each)
		say("| %s: reports in the API server's watch cache | %s if all come within its 75 s, twice that with the garbage | %d bytes per lab |",
			p.name, size(int(each*float64(nodes*labs*bytesPerStoredReport))), bytesPerStoredReport)
	}
	say("| reports in the controller's memory | %s, twice that with the garbage | %d bytes per node and lab |", size(nodes*labs*bytesPerReport), bytesPerReport)
}

// What a report on a lab takes in memory: in the controller's cache (BenchmarkCachedReports), and in
// an API server's watch cache, which keeps objects as maps (BenchmarkStoredReport).
const (
	bytesPerReport       = 140
	bytesPerStoredReport = 570
)

func seconds(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func size(n int) string {
	switch {
	case n < 1<<20:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	case n < 1e9:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// quantile is 0 for none.
func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}
