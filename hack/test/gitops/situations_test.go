// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/runtime/cel"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/yaml"
)

// judgement is what each tool says of the object in a file.
type judgement struct {
	file    string
	kstatus status.Status
	// flux is kustomize-controller with the health checks of config/flux.
	flux status.Status
	argo string
}

// The tools' judgement of a lab in every situation. Reading down a column: only what a user has
// to act on is Failed or Degraded; what may pass by itself keeps a tool waiting; and nothing is
// Current or Healthy that is not Ready. The columns agree but for four rows:
//
//   - drifted: kstatus waits, since nothing in the fixed table of conditions tells it not to.
//     For config/flux and Argo CD it has failed.
//   - suspended: kstatus waits. For config/flux that is what was asked for; Argo CD has a word for it.
//   - being-deleted: only kstatus has a word for it.
//   - status-never-written: kstatus calls an object Current that says nothing, and Flux's
//     expressions find nothing to look at. That is why the CRD has a default, not-seen-yet.
var situations = []judgement{
	{"status-never-written", status.CurrentStatus, status.UnknownStatus, "Progressing"},
	{"not-seen-yet", status.InProgressStatus, status.InProgressStatus, "Progressing"},
	{"invalid", status.FailedStatus, status.FailedStatus, "Degraded"},
	{"building", status.InProgressStatus, status.InProgressStatus, "Progressing"},
	{"built-no-probes", status.CurrentStatus, status.CurrentStatus, "Healthy"},
	{"built-verdicts-open", status.InProgressStatus, status.InProgressStatus, "Progressing"},
	{"built-probes-pass", status.CurrentStatus, status.CurrentStatus, "Healthy"},
	{"probes-could-not-ask", status.InProgressStatus, status.InProgressStatus, "Progressing"},
	{"probe-fails", status.FailedStatus, status.FailedStatus, "Degraded"},
	{"node-cannot-build", status.InProgressStatus, status.InProgressStatus, "Progressing"},
	{"node-cannot-build-for-60s", status.FailedStatus, status.FailedStatus, "Degraded"},
	{"kernel-unreadable", status.InProgressStatus, status.InProgressStatus, "Progressing"},
	{"nodes-silent", status.InProgressStatus, status.InProgressStatus, "Progressing"},
	{"no-node-selected", status.FailedStatus, status.FailedStatus, "Degraded"},
	{"drifted", status.InProgressStatus, status.FailedStatus, "Degraded"},
	{"drifted-and-building", status.InProgressStatus, status.InProgressStatus, "Progressing"},
	{"suspended", status.InProgressStatus, status.CurrentStatus, "Suspended"},
	{"edited-not-observed", status.InProgressStatus, status.InProgressStatus, "Progressing"},
	{"being-deleted", status.TerminatingStatus, status.InProgressStatus, "Progressing"},
}

func TestEveryToolJudgesEverySituationAsUsersWould(t *testing.T) {
	flux := fluxEvaluator(t)
	for _, s := range situations {
		t.Run(s.file, func(t *testing.T) {
			lab := readSituation(t, s.file)
			if got, err := status.Compute(lab); err != nil || got.Status != s.kstatus {
				t.Errorf("kstatus says %+v, %v; want %s", got, err, s.kstatus)
			}
			if got, err := fluxStatus(t.Context(), flux, lab); got != s.flux {
				t.Errorf("Flux with config/flux says %s, %v; want %s", got, err, s.flux)
			}
			if got, err := argoHealth(lab, healthScript(t)); err != nil || got.Status != s.argo || got.Message == "" {
				t.Errorf("Argo CD says %+v, %v; want %s with a message", got, err, s.argo)
			}
		})
	}
}

// A situation that is added to the controller must be judged here.
func TestEverySituationIsInTheTable(t *testing.T) {
	files, err := filepath.Glob(situationFile("*"))
	if err != nil || len(files) != len(situations) {
		t.Errorf("%d files, %d rows, %v", len(files), len(situations), err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		if !slices.ContainsFunc(situations, func(j judgement) bool { return j.file == name }) {
			t.Errorf("%s is not in the table", name)
		}
	}
}

// The API server's default status of a new lab equals the file, so the judgement of the
// file is that of the lab.
func TestTheAPIServerShowsANewLabAsNotSeenYet(t *testing.T) {
	server := apiServer(t)
	file := example("samples", "routed-pair.yaml")
	lab := readObjects(t, file)[0]
	server.applyIn(t, "not-seen-yet", file, lab, nil)
	if diff := cmp.Diff(readSituation(t, "not-seen-yet").Object["status"], server.get(t, lab).Object["status"]); diff != "" {
		t.Errorf("status (-file +server):\n%s", diff)
	}
}

func situationFile(name string) string {
	return filepath.Join("..", "..", "..", "controllers", "status", "testdata", "situations", name+".yaml")
}

// readSituation returns the object with numbers as an API server's client decodes them.
func readSituation(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	return readObjects(t, situationFile(name))[0]
}

// fluxEvaluator judges by the expressions of config/flux, with the code kustomize-controller runs.
func fluxEvaluator(t *testing.T) *cel.StatusEvaluator {
	t.Helper()
	exprs := exampleKustomization(t, "labs").Spec.HealthCheckExprs
	if len(exprs) != 1 || exprs[0].APIVersion != "netlab.dev/v1alpha1" || exprs[0].Kind != "NetLab" {
		t.Fatalf("health checks of config/flux are %+v, want one for NetLab", exprs)
	}
	evaluator, err := cel.NewStatusEvaluator(&exprs[0].HealthCheckExpressions)
	if err != nil {
		t.Fatal(err)
	}
	return evaluator
}

// fluxStatus is Unknown where an expression cannot be evaluated, as in kustomize-controller.
func fluxStatus(ctx context.Context, evaluator *cel.StatusEvaluator, lab *unstructured.Unstructured) (status.Status, error) {
	result, err := evaluator.Evaluate(ctx, lab)
	if err != nil {
		return status.UnknownStatus, err
	}
	return status.Status(result.Status), nil
}

// readObjects reads the documents of a YAML file.
func readObjects(t *testing.T, path string) []*unstructured.Unstructured {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	for _, document := range strings.Split(string(content), "\n---\n") {
		encoded, err := yaml.YAMLToJSONStrict([]byte(document))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(encoded); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		objects = append(objects, o)
	}
	return objects
}
