// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/state"
)

// The pod for one command has an image of the user's choice, which need not know how to enter a
// network namespace. So its first container copies this program to where the second one, of that
// image, finds it (install). That one waits; the command is run in it through enter.

// install copies this program to a path.
func install(_ context.Context, args []string) int {
	if len(args) != 1 {
		return fail(errors.New("install: specify PATH"))
	}
	if err := copyProgram(args[0]); err != nil {
		return fail(fmt.Errorf("install: %w", err))
	}
	return 0
}

func copyProgram(path string) error {
	program, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer program.Close()
	installed, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(installed, program)
	return errors.Join(err, installed.Close())
}

// wait is the first process of the container in which the command is run: it ends when it is
// told to, at once, and with it everything else there. What the command leaves behind becomes its
// children; with SIGCHLD ignored the kernel reaps them.
func wait(ctx context.Context, _ []string) int {
	signal.Ignore(syscall.SIGCHLD)
	<-ctx.Done()
	return 0
}

// enter becomes a program in the network namespace of a lab's node. It is told the lab's UID, so
// that another lab of that name is not entered.
func enter(ctx context.Context, args []string) int {
	var id state.Identity
	var uid, node string
	flags := flag.NewFlagSet("enter", flag.ContinueOnError)
	flags.StringVar(&id.Namespace, "namespace", "", "namespace of the lab")
	flags.StringVar(&id.Name, "lab", "", "name of the lab")
	flags.StringVar(&uid, "uid", "", "UID of the lab")
	flags.StringVar(&node, "node", "", "node of the lab")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	id.Owner = state.AgentOwner(uid)
	if err := become(ctx, id, node, flags.Args()); err != nil {
		return fail(fmt.Errorf("enter: %w", err))
	}
	return 0
}

// become returns only with an error.
func become(ctx context.Context, id state.Identity, node string, command []string) error {
	if len(command) == 0 {
		return errors.New("specify COMMAND")
	}
	k, err := kernel.New(kernel.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	labs, err := k.Labs(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(labs, id) {
		return fmt.Errorf("%s is not on this node", id)
	}
	path, err := lookPath(command[0])
	if err != nil {
		return err
	}
	return k.Enter(id.NetworkNamespace(node), func() error {
		if err := syscall.Exec(path, command, os.Environ()); err != nil {
			return fmt.Errorf("run %s: %w", path, err)
		}
		return nil
	})
}

// lookPath finds a program as a shell does. The package that usually does that also starts
// processes, and nothing here may.
func lookPath(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	const executable = 0o111
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&executable != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w in this image's PATH %s", name, fs.ErrNotExist, os.Getenv("PATH"))
}
