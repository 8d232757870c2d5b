// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// results are what the stories counted, in the order they were told.
var results book

type book struct {
	mu      sync.Mutex
	stories []*story
}

// story is one row of the table.
type story struct {
	t      *testing.T
	start  time.Time
	took   time.Duration
	failed bool
	counts []string
}

// begin opens a story's row.
func begin(t *testing.T) *story {
	t.Helper()
	s := &story{t: t, start: time.Now()}
	results.mu.Lock()
	defer results.mu.Unlock()
	results.stories = append(results.stories, s)
	t.Cleanup(func() { s.took, s.failed = time.Since(s.start), t.Failed() })
	return s
}

// beginBeside begins a story that leaves agents, nodes and the API server alone and looks only at
// labs of its own. Such tests run several at a time, after the others.
func beginBeside(t *testing.T) *story {
	t.Helper()
	t.Parallel()
	return begin(t)
}

// counted notes a figure: "3 of 3 nodes Ready".
func (s *story) counted(format string, args ...any) {
	s.t.Helper()
	text := fmt.Sprintf(format, args...)
	s.t.Log(text)
	s.counts = append(s.counts, text)
}

// print writes the table as Markdown.
func (b *book) print(out io.Writer) {
	fmt.Fprint(out, "\n| story | | seconds | counted |\n|---|---|---:|---|\n")
	for _, s := range b.stories {
		mark := "ok"
		if s.failed {
			mark = "FAILED"
		}
		name := strings.TrimPrefix(s.t.Name(), "Test")
		fmt.Fprintf(out, "| `%s` | %s | %.0f | %s |\n", name, mark, s.took.Seconds(), strings.Join(s.counts, "; "))
	}
}
