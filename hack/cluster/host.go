// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// host is a node from the outside: the sandbox that is its machine.
type host struct {
	node

	mu    sync.Mutex // one switches at a time
	power *exec.Cmd  // nil while the machine is off
	dead  chan struct{}
}

// switchOn boots the machine, up to containerd.
func (h *host) switchOn(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.alive() {
		return errors.New("it is running")
	}
	if err := h.startSandbox(); err != nil {
		return err
	}
	pid, err := h.waitForSocket(ctx)
	if err != nil {
		return err
	}
	if err := plugIn(h.Number, pid); err != nil {
		return err
	}
	return h.ask(ctx, "/boot")
}

func (h *host) startSandbox() error {
	output, err := os.OpenFile(h.directory().log(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer output.Close()
	power, dead := itself("machine", "--dir", string(h.Directory), h.Name), make(chan struct{})
	power.Stdout, power.Stderr = output, output
	if err := power.Start(); err != nil {
		return fmt.Errorf("start a machine: %w", err)
	}
	h.power, h.dead = power, dead
	go func() {
		defer close(dead)
		err := power.Wait()
		log.Printf("machine of %s ended (%v), see %s", h.Name, err, h.directory().log())
	}()
	return nil
}

// itself runs this program again, outside of the sandbox that it may be in.
func itself(args ...string) *exec.Cmd {
	command := exec.Command("/proc/self/exe", args...)
	command.Args[0] = "netlab-cluster" // its name in the list of processes
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, sandbox.Variable+"=") {
			command.Env = append(command.Env, entry)
		}
	}
	return command
}

func (h *host) waitForSocket(ctx context.Context) (pid int, err error) {
	err = poll(ctx, 5*time.Millisecond, func(context.Context) (err error) {
		pid, err = listenerOf(h.directory().socket())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("wait for the machine, see %s: %w", h.directory().log(), err)
	}
	return pid, nil
}

// switchOff kills the machine's sandbox with everything in it.
func (h *host) switchOff(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.alive() {
		if err := h.powerOff(); err != nil {
			return err
		}
	}
	if err := unplug(h.Number); err != nil {
		return err
	}
	return machineCgroups.remove(ctx, h.Cgroup())
}

// powerOff is called with the lock held. The outer process of a sandbox passes the signal on, and
// ends after everything inside has.
func (h *host) powerOff() error {
	if err := h.power.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end the machine: %w", err)
	}
	select {
	case <-h.dead:
		return nil
	case <-time.After(patience):
		_ = h.power.Process.Kill() // it may have ended by now
		<-h.dead
		return nil
	}
}

// running reports whether the machine is on. It waits while the machine is being switched.
func (h *host) running() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.alive()
}

// alive is called with the lock held.
func (h *host) alive() bool {
	if h.power == nil {
		return false
	}
	select {
	case <-h.dead:
		return false
	default:
		return true
	}
}

// ask has the machine do something.
func (h *host) ask(ctx context.Context, path string) error {
	return ask(ctx, h.directory().socket(), path)
}

// load imports images into the machine's containerd.
func (h *host) load(ctx context.Context, images []string) error {
	pid, err := listenerOf(h.directory().socket())
	if err != nil {
		return err
	}
	for _, image := range images {
		if err := importImage(ctx, pid, image); err != nil {
			return err
		}
	}
	return nil
}
