// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/hack/test/story"
)

// The stories of testdata/script run the subcommands on the real kernel, in a sandbox, with a lab
// built as the agent builds it.
func TestMain(m *testing.M) {
	story.Main(m, map[string]func(){"netlab-agent": main})
}

func TestStories(t *testing.T) {
	samples, err := filepath.Abs("../../config/samples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		WorkdirRoot:         t.TempDir(),
		RequireExplicitExec: true,
		Setup:               func(env *testscript.Env) error { env.Setenv("SAMPLES", samples); return nil },
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"lab": buildLab, "exits": story.Exits},
	})
}

// buildLab makes the machine hold the lab of a file, with a UID, until the story ends, and writes its
// description to lab.json.
func buildLab(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lab FILE UID")
	}
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	described := &v1alpha1.NetLab{}
	ts.Check(yaml.UnmarshalStrict(text, described))
	described.Namespace, described.UID = "default", types.UID(args[1])
	id := state.Identity{Namespace: described.Namespace, Name: described.Name, Owner: state.AgentOwner(args[1])}
	compiled, err := lab.Compile(id, &described.Spec, lab.Options{})
	ts.Check(err)
	k, err := kernel.New(kernel.Options{})
	ts.Check(err)
	_, err = converge.Converge(context.Background(), k, id, compiled.Want)
	ts.Check(err)
	ts.Defer(func() {
		_, err := converge.Remove(context.Background(), k, id)
		ts.Check(err)
	})
	encoded, err := json.Marshal(described)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("lab.json"), encoded, 0o600))
}
