// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"testing"

	"github.com/fluxcd/pkg/ssa"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Once applied and reported on, Flux finds no drift in any sample and leaves it alone; and it
// reports one field that was changed.
func TestFluxFindsEverySampleInSync(t *testing.T) {
	server := apiServer(t)
	flux := ssa.NewResourceManager(server.client, nil, ssa.Owner{Field: "kustomize-controller", Group: "kustomize.toolkit.fluxcd.io"})
	eachSample(t, server, "flux", func(t *testing.T, _ string, lab *unstructured.Unstructured) {
		flux.SetOwnerLabels([]*unstructured.Unstructured{lab}, "labs", "flux-system")
		fluxDoes(t, flux, lab, ssa.CreatedAction)
		server.report(t, lab, "built-probes-pass")
		fluxSees(t, flux, lab, ssa.UnchangedAction)
		fluxDoes(t, flux, lab, ssa.UnchangedAction)

		server.patch(t, lab, `[{"op":"remove","path":"/spec/links/0"}]`)
		fluxSees(t, flux, lab, ssa.ConfiguredAction)
		fluxDoes(t, flux, lab, ssa.ConfiguredAction)
		fluxSees(t, flux, lab, ssa.UnchangedAction)
	})
}

// fluxDoes applies the lab as kustomize-controller does.
func fluxDoes(t *testing.T, flux *ssa.ResourceManager, lab *unstructured.Unstructured, want ssa.Action) {
	t.Helper()
	entry, err := flux.Apply(t.Context(), lab.DeepCopy(), ssa.DefaultApplyOptions())
	if err != nil || entry.Action != want {
		t.Fatalf("Flux has applied it with %+v, %v; want %s", entry, err, want)
	}
}

// fluxSees compares without writing.
func fluxSees(t *testing.T, flux *ssa.ResourceManager, lab *unstructured.Unstructured, want ssa.Action) {
	t.Helper()
	entry, live, dry, err := flux.Diff(t.Context(), lab.DeepCopy(), ssa.DefaultDiffOptions())
	if err != nil || entry.Action != want {
		t.Fatalf("Flux sees %+v, %v; want %s\nlive %v\ndry  %v", entry, err, want, live, dry)
	}
}
