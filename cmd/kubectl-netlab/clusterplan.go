// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/apiclient"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// clusterPlanner plans what up would change on every node: they all hold the same State. The API server
// completes and checks the lab in a dry run.
func (a *app) clusterPlanner(ctx context.Context, c *cluster, o apiclient.ApplyOptions) planner {
	return func(doc manifest.Document) (labPlan, error) {
		object, err := doc.Object()
		if err != nil {
			return labPlan{}, err
		}
		applied, err := c.DryRun(ctx, object, o)
		if err != nil {
			return labPlan{}, fmt.Errorf("dry run of %s/%s: %w", doc.Lab.Namespace, doc.Lab.Name, err)
		}
		return planOf(doc, applied)
	}
}

func planOf(doc manifest.Document, applied apiclient.Applied) (labPlan, error) {
	fields, err := changedFields(applied)
	if err != nil {
		return labPlan{}, err
	}
	have, note, err := heldByNodes(applied.Before)
	if err != nil {
		return labPlan{}, err
	}
	want, err := wanted(applied.After)
	if err != nil {
		return labPlan{}, err
	}
	var ops []state.Op
	if !applied.After.Spec.Suspend {
		ops = state.Diff(have, want)
	}
	plan := newLabPlan(doc, ops)
	plan.Fields, plan.notes = fields, slices.Concat(note, notesOn(applied, fields))
	return plan, nil
}

// heldByNodes is the State that the stored spec describes: the nodes hold it, or are about to.
func heldByNodes(stored *v1alpha1.NetLab) (have state.State, note []string, err error) {
	if stored == nil {
		return state.State{}, nil, nil
	}
	have, err = wanted(stored)
	if _, invalid := errors.AsType[lab.Problems](err); invalid {
		return state.State{}, []string{"the stored spec is invalid, so what the nodes hold is not known; this is the plan for nodes without the lab"}, nil
	}
	if stored.Spec.Suspend {
		note = []string{"the stored spec is suspended: nodes may hold an older one"}
	}
	return have, note, err
}

func wanted(stored *v1alpha1.NetLab) (state.State, error) {
	compiled, err := compileForCluster(stored)
	if err != nil {
		return nil, err
	}
	return compiled.Want, nil
}

// compileForCluster is what the agents compile. Whether a node's kernel has netem is not known here.
func compileForCluster(stored *v1alpha1.NetLab) (*lab.Lab, error) {
	id := state.Identity{Namespace: stored.Namespace, Name: stored.Name, Owner: state.AgentOwner(string(stored.UID))}
	return lab.Compile(id, &stored.Spec, lab.Options{Symlinks: symlinks})
}

// notesOn are the consequences that no command shows.
func notesOn(applied apiclient.Applied, fields []string) []string {
	var notes []string
	if applied.After.Spec.Suspend {
		notes = append(notes, "the spec is suspended: nodes change nothing")
	}
	if applied.Before != nil && slices.Contains(fields, "spec.placement") {
		notes = append(notes, "placement changes: a node that it selects from now on builds the whole lab, one that it no longer selects removes it")
	}
	if len(fields) > 0 {
		notes = append(notes, "changes "+strings.Join(fields, ", "))
	}
	return notes
}

// changedFields are the fields of the spec that would change.
func changedFields(applied apiclient.Applied) ([]string, error) {
	before, err := specOf(applied.Before)
	after, afterErr := specOf(applied.After)
	if err := errors.Join(err, afterErr); err != nil {
		return nil, err
	}
	names := maps.Clone(before)
	maps.Copy(names, after)
	fields := []string{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !reflect.DeepEqual(before[name], after[name]) {
			fields = append(fields, "spec."+name)
		}
	}
	return fields, nil
}

func specOf(lab *v1alpha1.NetLab) (map[string]any, error) {
	if lab == nil {
		return map[string]any{}, nil
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(&lab.Spec)
}
