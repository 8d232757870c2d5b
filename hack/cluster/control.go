// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
)

// action is what a control socket does when asked to; the error's text goes to the caller.
type action func(*http.Request) error

func (do action) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := do(r); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// serve answers on a Unix socket until the context ends. A file that a killed process left is replaced.
func serve(ctx context.Context, socket string, handler http.Handler) error {
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	defer listener.Close()
	failed := make(chan error, 1)
	go func() { failed <- http.Serve(listener, handler) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// ask has the process behind a control socket do something, and waits until it is done.
func ask(ctx context.Context, socket, path string) error {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://cluster"+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return reason(ctx, err)
	}
	defer response.Body.Close()
	problem, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read the answer to %s: %w", path, err)
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(problem)))
	}
	return nil
}

// reason leaves out of a failed request what only says that it was made by HTTP.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return orNotRunning(err)
}

// errNotRunning says that no process listens on a control socket.
var errNotRunning = errors.New("it is not running")

// orNotRunning tells a socket without a process behind it from other failures.
func orNotRunning(err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return errNotRunning
	}
	return err
}

// listenerOf returns the pid of the process that listens on a control socket, as the caller's
// pid namespace knows it.
func listenerOf(socket string) (pid int, err error) {
	connection, err := net.Dial("unix", socket)
	if err != nil {
		return 0, orNotRunning(err)
	}
	defer connection.Close()
	raw, err := connection.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, failed); err != nil {
		return 0, fmt.Errorf("find the process that listens on %s: %w", socket, err)
	}
	return int(peer.Pid), nil
}
