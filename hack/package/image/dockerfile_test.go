// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// People with Docker get what `make images` makes.
func TestTheDockerfileMakesTheSameImages(t *testing.T) {
	stages := readDockerfile(t)
	for _, d := range catalog {
		if !d.shared {
			continue
		}
		i, found := instructions.HasStage(stages, strings.TrimPrefix(d.name, "netlab-"))
		if !found {
			t.Errorf("no target makes %s", d.name)
			continue
		}
		got := read(stages[i])
		want := target{
			base:       "scratch",
			user:       d.user,
			entrypoint: []string{"/" + d.name},
			files:      []string{"/" + d.name},
			labels:     labels(d, "$VERSION"),
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\n%v\nwant:\n%v", d.name, got, want)
		}
	}
}

func TestTheDockerfileCompilesWithTheSameFlags(t *testing.T) {
	var compile string
	for _, c := range readDockerfile(t)[0].Commands {
		if run, ok := c.(*instructions.RunCommand); ok {
			compile = strings.Join(run.CmdLine, " ")
		}
	}
	for _, flag := range []string{"CGO_ENABLED=0", "-buildvcs=false", "-trimpath", `-ldflags "-s -w -X main.version=$VERSION"`} {
		if !strings.Contains(compile, flag) {
			t.Errorf("%s is missing in: %s", flag, compile)
		}
	}
}

// target is what a stage of a Dockerfile makes.
type target struct {
	base, user        string
	entrypoint, files []string
	labels            map[string]string
}

func (t target) String() string {
	lines := []string{"FROM " + t.base, "USER " + t.user, fmt.Sprint("ENTRYPOINT ", t.entrypoint), fmt.Sprint("files ", t.files)}
	for _, key := range slices.Sorted(maps.Keys(t.labels)) {
		lines = append(lines, key+"="+t.labels[key])
	}
	return strings.Join(lines, "\n")
}

func readDockerfile(t *testing.T) []instructions.Stage {
	t.Helper()
	f, err := os.Open("../../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ast, err := parser.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(ast.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	return stages
}

func read(stage instructions.Stage) target {
	made := target{base: stage.BaseName, labels: map[string]string{}}
	for _, c := range stage.Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			made.user = c.User
		case *instructions.EntrypointCommand:
			made.entrypoint = c.CmdLine
		case *instructions.LabelCommand:
			for _, label := range c.Labels {
				made.labels[label.Key] = strings.Trim(label.Value, `"`)
			}
		case *instructions.CopyCommand:
			for _, source := range c.SourcePaths {
				made.files = append(made.files, path.Join(c.DestPath, path.Base(source)))
			}
		}
	}
	return made
}
