// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	against := flag.String("against", "", "also measure this git revision")
	list := flag.Bool("list", false, "also list every package with its level, and every upward import, pair and knot")
	flag.Parse()
	if err := run(os.Stdout, *against, *list); err != nil {
		fmt.Fprintln(os.Stderr, "structure:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, against string, list bool) error {
	var columns []column
	if against != "" {
		old, err := measureRevision(against)
		if err != nil {
			return err
		}
		columns = append(columns, column{against, old})
	}
	now, err := measureTree(".")
	if err != nil {
		return err
	}
	columns = append(columns, column{"now", now})
	printTable(out, columns)
	if list {
		for _, c := range columns {
			fmt.Fprintf(out, "\n%s\n", c.title)
			c.printLists(out)
		}
	}
	return nil
}

// measureRevision measures a revision in a work tree of its own, which it removes again.
func measureRevision(revision string) (figures, error) {
	dir, err := os.MkdirTemp("", "netlab-structure-")
	if err != nil {
		return figures{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is a temporary directory
	tree := filepath.Join(dir, "tree")
	if err := git("worktree", "add", "--detach", tree, revision); err != nil {
		return figures{}, err
	}
	f, err := measureTree(tree)
	if removed := git("worktree", "remove", "--force", tree); err == nil {
		err = removed
	}
	return f, err
}

func git(args ...string) error {
	if output, err := exec.Command("git", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, output)
	}
	return nil
}
