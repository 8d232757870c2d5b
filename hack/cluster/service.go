// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// How long a program may take to end, and rests after it ended by itself.
const (
	patience = 10 * time.Second
	rest     = time.Second
)

// service is a program that is kept running between start and stop, which may be called at any
// time from anywhere.
type service struct {
	command []string
	logFile string
	signal  syscall.Signal // what ends it; SIGTERM unless set

	mu  sync.Mutex
	end func() // nil while stopped
}

// start returns at once; whether the program works is for the caller to ask the program.
func (s *service) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		return nil
	}
	output, err := os.OpenFile(s.logFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name(), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	s.end = func() { cancel(); <-ended }
	go func() {
		defer close(ended)
		defer output.Close()
		s.keepRunning(ctx, output)
	}()
	return nil
}

// stop returns when the program has ended: by its signal, or after a while by SIGKILL.
func (s *service) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		s.end()
		s.end = nil
	}
}

func (s *service) keepRunning(ctx context.Context, output *os.File) {
	for ctx.Err() == nil {
		program := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
		program.Stdout, program.Stderr = output, output
		program.Cancel = func() error { return program.Process.Signal(cmp.Or(s.signal, syscall.SIGTERM)) }
		program.WaitDelay = patience
		err := program.Run()
		if ctx.Err() == nil {
			log.Printf("%s ended (%v), see %s", s.name(), err, s.logFile)
			wait(ctx, rest)
		}
	}
}

func (s *service) name() string { return filepath.Base(s.command[0]) }

func wait(ctx context.Context, period time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(period):
	}
}
