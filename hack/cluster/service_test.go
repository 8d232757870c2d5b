// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestAServiceThatEndsIsStartedAgainUntilItIsStopped(t *testing.T) {
	s := shell(t, "echo started")
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	s.waitForLines(t, "started", 2)
	s.stop()
	before := s.lines(t, "started")
	wait(t.Context(), 2*rest)
	if after := s.lines(t, "started"); after != before {
		t.Errorf("it was started %d times after it was stopped", after-before)
	}
}

func TestStoppingWaitsForTheProgramToEnd(t *testing.T) {
	s := shell(t, `trap 'echo asked; sleep 0.2; echo ended; exit' TERM; echo started; while :; do sleep 0.01; done`)
	for round := range 2 { // a stopped service can be started again
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
		s.waitForLines(t, "started", round+1)
		s.stop()
		if got := s.lines(t, "ended"); got != round+1 {
			t.Errorf("stop returned before the program had ended")
		}
	}
}

func TestAServiceMayNameTheSignalThatEndsIt(t *testing.T) {
	s := shell(t, `trap 'echo asked' TERM; echo started; while :; do sleep 0.01; done`)
	s.signal = syscall.SIGKILL
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	s.waitForLines(t, "started", 1)
	s.stop()
	if s.lines(t, "asked") != 0 {
		t.Error("it got SIGTERM")
	}
}

func TestStartingTwiceStartsOnce(t *testing.T) {
	s := shell(t, "echo started; exec sleep 1000")
	for range 2 {
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
	}
	s.waitForLines(t, "started", 1)
	s.stop()
	s.stop()
	if got := s.lines(t, "started"); got != 1 {
		t.Errorf("it was started %d times", got)
	}
}

type testService struct{ service }

func shell(t *testing.T, script string) *testService {
	t.Helper()
	s := &testService{service{command: []string{"sh", "-c", script}, logFile: filepath.Join(t.TempDir(), "log")}}
	t.Cleanup(s.stop)
	return s
}

// lines counts the lines of the service's log that say exactly this.
func (s *testService) lines(t *testing.T, line string) int {
	t.Helper()
	return bytes.Count(must(os.ReadFile(s.logFile))(t), []byte(line+"\n"))
}

func (s *testService) waitForLines(t *testing.T, line string, count int) {
	t.Helper()
	err := poll(t.Context(), time.Millisecond, func(context.Context) error {
		if s.lines(t, line) < count {
			return errors.New("too few lines")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
