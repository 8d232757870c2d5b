// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// witness listens to what the kernel tells of every change of links, addresses, routes and
// forwarding in the namespaces of one lab.
type witness struct {
	node     string
	monitors map[string]*companion // by network namespace
}

// mark is a route of our own, which agents leave alone. That it comes and goes shows that the
// witness is awake.
const mark = "203.0.113.99"

func watchKernel(t *testing.T, node, tenant, lab string) *witness {
	t.Helper()
	w := &witness{node: node, monitors: map[string]*companion{}}
	for _, netns := range labNamespaces(t, node, tenant, lab) {
		w.monitors[netns] = startIn(t, node, netns, "ip", "-o", "monitor", "link", "address", "route", "netconf", "rule")
	}
	for netns, monitor := range w.monitors {
		w.wake(t, netns, monitor)
	}
	return w
}

// wake sets the mark until the monitor, which takes a moment to listen, has seen it.
func (w *witness) wake(t *testing.T, netns string, monitor *companion) {
	t.Helper()
	woken := make(chan struct{})
	go func() {
		defer close(woken)
		monitor.stdout.ReadString('\n') //nolint:errcheck // the end of the story shows whether it listens
	}()
	eventually(t, soon, "the witness in "+netns+" is awake", func() error {
		inLab(t, w.node, netns, "ip", "route", "replace", "blackhole", mark, "proto", "static")
		select {
		case <-woken:
			return nil
		default:
			inLab(t, w.node, netns, "ip", "route", "delete", "blackhole", mark)
			return fmt.Errorf("it has not told of %s", mark)
		}
	})
}

// end returns the kernel's events apart from the mark.
func (w *witness) end(t *testing.T) []string {
	t.Helper()
	var told []string
	for netns, monitor := range w.monitors {
		inLab(t, w.node, netns, "ip", "route", "delete", "blackhole", mark)
		inLab(t, w.node, netns, "ip", "route", "add", "prohibit", mark, "proto", "static")
		for {
			line := monitor.line(t)
			if strings.HasPrefix(line, "prohibit "+mark) {
				break
			}
			if !strings.Contains(line, mark) {
				told = append(told, netns+": "+strings.TrimSpace(line))
			}
		}
	}
	return told
}
