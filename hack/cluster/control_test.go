// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAControlSocketAnswersAndTellsWhoListens(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "control.sock")
	if err := os.WriteFile(socket, nil, 0o600); err != nil { // as a killed process leaves it
		t.Fatal(err)
	}
	var asked []string
	mux := http.NewServeMux()
	mux.Handle("/nodes/{name}/stop", action(func(r *http.Request) error {
		asked = append(asked, r.PathValue("name"))
		return nil
	}))
	mux.Handle("/fail", action(func(*http.Request) error { return errors.New("node-1: there is no room for it") }))
	listen(t, socket, mux)

	if err := ask(t.Context(), socket, "/nodes/node-1/stop"); err != nil || len(asked) != 1 || asked[0] != "node-1" {
		t.Errorf("got %v, and it was asked to stop %q", err, asked)
	}
	wantProblem(t, ask(t.Context(), socket, "/fail"), "node-1: there is no room for it")
	wantProblem(t, ask(t.Context(), socket, "/dance"), "404")
	if pid := must(listenerOf(socket))(t); pid != os.Getpid() {
		t.Errorf("process %d listens, not %d", pid, os.Getpid())
	}
}

func TestARequestToASocketWithoutListenerFails(t *testing.T) {
	dir := directory(t.TempDir())
	wantProblem(t, dir.ask(t.Context(), "/boot"), "there is no cluster in "+string(dir))
	ctx, cancel := context.WithCancel(t.Context())
	listen := serveUntil(ctx, t, dir.socket())
	cancel()
	<-listen
	_, err := dir.supervisor()
	wantProblem(t, err, "there is no cluster in "+string(dir))
}

// listen serves until the test ends, and returns when that has begun.
func listen(t *testing.T, socket string, handler http.Handler) {
	t.Helper()
	go func() { _ = serve(t.Context(), socket, handler) }()
	waitForListener(t, socket)
}

func serveUntil(ctx context.Context, t *testing.T, socket string) <-chan struct{} {
	t.Helper()
	ended := make(chan struct{})
	go func() { _ = serve(ctx, socket, http.NotFoundHandler()); close(ended) }()
	waitForListener(t, socket)
	return ended
}

func waitForListener(t *testing.T, socket string) {
	t.Helper()
	err := poll(t.Context(), time.Millisecond, func(context.Context) error {
		_, err := listenerOf(socket)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
