// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// sampling is the interval at which the API server's counters are read; a peak is the mean over one.
const sampling = time.Second

// request is a kind of request, as in apiserver_request_total.
type request struct{ resource, subresource, verb string }

// counts are requests that write, by kind, Leases aside.
type counts struct {
	done map[request]int
	// refused are those that the API server was too busy for; clients repeat them.
	refused int
}

func (c counts) total() int {
	sum := 0
	for _, n := range c.done {
		sum += n
	}
	return sum
}

// of sums up a resource; subresources have a count of their own.
func (c counts) of(resource, subresource string) int {
	sum := 0
	for r, n := range c.done {
		if r.resource == resource && r.subresource == subresource {
			sum += n
		}
	}
	return sum
}

func (c counts) since(before counts) counts {
	d := counts{done: map[request]int{}, refused: c.refused - before.refused}
	for r, n := range c.done {
		if n != before.done[r] {
			d.done[r] = n - before.done[r]
		}
	}
	return d
}

// meter reads the counters of the API server.
type meter struct {
	http *http.Client
	host string

	mu   sync.Mutex
	last counts
	at   time.Time
	peak float64
	// changed is when writes were seen last.
	changed time.Time
}

func newMeter(config *rest.Config) (*meter, error) {
	c, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make a client for the API server's metrics: %w", err)
	}
	return &meter{http: c, host: config.Host}, nil
}

// run samples until ctx ends.
func (m *meter) run(ctx context.Context) {
	for tick := time.NewTicker(sampling); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			_, _ = m.sample(ctx) // the next one says the same
		}
	}
}

// sample reads the counters now.
func (m *meter) sample(ctx context.Context) (counts, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, err := m.read(ctx)
	if err != nil {
		return counts{}, err
	}
	at := time.Now()
	if written := now.total() - m.last.total(); written != 0 {
		m.changed = at
		if took := at.Sub(m.at); took >= sampling/2 {
			m.peak = max(m.peak, float64(written)/took.Seconds())
		}
	}
	m.last, m.at = now, at
	return now, nil
}

// forgetPeak starts a new phase.
func (m *meter) forgetPeak() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.peak = 0
}

// seen returns the peak since forgetPeak, and for how long nothing has been written.
func (m *meter) seen() (peak float64, quiet time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.peak, time.Since(m.changed)
}

func (m *meter) read(ctx context.Context) (counts, error) {
	c := counts{done: map[request]int{}}
	err := m.scrape(ctx, func(name, labels string, value float64) {
		if name == "apiserver_request_total" {
			c.add(labels, int(value))
		}
	})
	return c, err
}

// writing are the verbs that apiserver_request_total has for requests that write.
var writing = map[string]bool{"POST": true, "PUT": true, "PATCH": true, "APPLY": true, "DELETE": true, "DELETECOLLECTION": true}

func (c *counts) add(labels string, n int) {
	r := request{label(labels, "resource"), label(labels, "subresource"), label(labels, "verb")}
	switch code := label(labels, "code"); {
	case !writing[r.verb] || r.resource == "leases" || label(labels, "dry_run") != "":
	case code == "429":
		c.refused += n
	case strings.HasPrefix(code, "2"):
		c.done[r] += n
	}
}

// scrape calls each for every sample of the API server's metrics.
func (m *meter) scrape(ctx context.Context, each func(name, labels string, value float64)) error {
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(m.host, "/")+"/metrics", nil)
	if err != nil {
		return fmt.Errorf("read the API server's metrics: %w", err)
	}
	ask.Header.Set("Accept-Encoding", "identity") // compressing its metrics every second takes as much as ten reports
	answer, err := m.http.Do(ask)
	if err != nil {
		return fmt.Errorf("read the API server's metrics: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("read the API server's metrics: %s", answer.Status)
	}
	return eachSample(answer.Body, each)
}

func eachSample(text io.Reader, each func(name, labels string, value float64)) error {
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		series, figure, _ := strings.Cut(lines.Text(), "} ")
		name, labels, labelled := strings.Cut(series, "{")
		if !labelled {
			name, figure, _ = strings.Cut(lines.Text(), " ")
		}
		if value, err := strconv.ParseFloat(figure, 64); err == nil {
			each(name, labels, value)
		}
	}
	return lines.Err()
}

func label(labels, name string) string {
	_, rest, _ := strings.Cut(","+labels, ","+name+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// failedReports counts writes of the agents that failed, and were tried again.
func failedReports() int {
	families, _ := metrics.Registry.Gather() // what can be read is there
	sum := 0.0
	for _, family := range families {
		if family.GetName() != "netlab_report_writes_total" {
			continue
		}
		for _, sample := range family.GetMetric() {
			if len(sample.GetLabel()) == 1 && sample.GetLabel()[0].GetValue() == "error" {
				sum += sample.GetCounter().GetValue()
			}
		}
	}
	return int(sum)
}
