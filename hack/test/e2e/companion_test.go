// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// companion is a program that runs on a node during a test.
type companion struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
}

// startIn starts a program in a namespace of a lab; it ends with the story.
func startIn(t *testing.T, node, netns string, command ...string) *companion {
	t.Helper()
	return start(t, node, slices.Concat([]string{"ip", "netns", "exec", netns}, command)...)
}

// start starts a program on a node; it ends with the story.
func start(t *testing.T, node string, command ...string) *companion {
	t.Helper()
	args := slices.Concat([]string{"node", "exec", node, "--"}, command)
	c := &companion{command: exec.CommandContext(t.Context(), os.Getenv("NETLAB_CLUSTER"), args...)}
	stdin, err := c.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stdin, c.stdout, c.command.Stderr = stdin, bufio.NewReader(stdout), os.Stderr
	c.command.Cancel = func() error { return c.command.Process.Signal(os.Interrupt) }
	c.command.WaitDelay = 5 * time.Second
	if err := c.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()    //nolint:errcheck // it may have ended already
		c.command.Wait() //nolint:errcheck // it was ended on purpose
	})
	return c
}

func (c *companion) line(t *testing.T) string {
	t.Helper()
	line, err := c.stdout.ReadString('\n')
	if err != nil {
		t.Fatalf("%s: %v", c.command, err)
	}
	return line
}
