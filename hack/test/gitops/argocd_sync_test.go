// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/discovery"
	"k8s.io/kube-openapi/pkg/util/proto"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// argoManager is the field manager Argo CD applies as.
const argoManager = "argocd-controller"

var labKind = schema.GroupVersionKind{Group: "netlab.dev", Version: "v1alpha1", Kind: "NetLab"}

// Once applied and reported on, Argo CD finds every sample in sync, in every way it applies and
// compares. Nothing is normalized away here; by default Argo CD would even ignore all of status.
func TestArgoCDFindsEverySampleInSync(t *testing.T) {
	server := apiServer(t)
	comparisons := argoComparisons(t, server, labKind)
	for way, flags := range argoApplies {
		t.Run(way, func(t *testing.T) {
			eachSample(t, server, "argocd-"+way, func(t *testing.T, _ string, lab *unstructured.Unstructured) {
				server.apply(t, lab, asArgoWouldApply(t, lab), flags)
				server.report(t, lab, "built-probes-pass")
				server.mustBeInSync(t, lab, comparisons)
			})
		})
	}
}

// The same for everything the Application netlab installs.
func TestArgoCDFindsTheInstallationInSync(t *testing.T) {
	server := apiServer(t)
	rendered := filepath.Join(t.TempDir(), "netlab.yaml")
	write(t, rendered, server.kubectl(t, "kustomize", example("default")))
	objects := readObjects(t, rendered)
	path := asArgoWouldApply(t, objects...)
	comparisons := argoComparisons(t, server, labKind)
	for way, flags := range argoApplies {
		t.Run(way, func(t *testing.T) {
			server.kubectl(t, append([]string{"apply", "-f", path}, flags...)...)
			for _, o := range objects {
				server.mustBeInSync(t, o, comparisons)
			}
		})
	}
}

// mustBeInSync compares an object with what the API server has.
func (s *server) mustBeInSync(t *testing.T, o *unstructured.Unstructured, comparisons map[string][]diff.Option) {
	t.Helper()
	for name, options := range comparisons {
		if got := compare(t, o, s.get(t, o), options); got.Modified {
			t.Errorf("%s finds %s %s out of sync:\nlive      %s\npredicted %s", name, o.GetKind(), o.GetName(), got.NormalizedLive, got.PredictedLive)
		}
	}
}

// Each way to compare reports one field that was changed, so none of them is blind.
func TestArgoCDFindsAChangeOutOfSync(t *testing.T) {
	server := apiServer(t)
	file := example("samples", "routed-pair.yaml")
	for way, flags := range argoApplies {
		lab := readObjects(t, file)[0]
		server.applyIn(t, "argocd-changed-"+way, file, lab, flags)
		server.patch(t, lab, `[{"op":"replace","path":"/spec/subnets/0/cidrs/0","value":"203.0.113.0/24"}]`)
		for name, options := range argoComparisons(t, server, labKind) {
			if got := compare(t, lab, server.get(t, lab), options); !got.Modified {
				t.Errorf("applied %s, compared %s: a change by hand is not reported", way, name)
			}
		}
	}
}

// Why no schema default may stand inside a list item. The same sample, with a copy of NetLab's
// CRD that has one default more: inside an item of an atomic list, an Application with
// ServerSideApply=true would be out of sync for ever. (In lists with keys Argo CD overlooks
// defaults, and so do its other ways to compare; which is nothing to rely on.)
func TestADefaultInAListItemWouldBeOutOfSync(t *testing.T) {
	server := apiServer(t)
	for _, doctored := range []struct {
		group     string
		property  []string
		value     string
		outOfSync []string
	}{
		{"keyed.example", []string{"probes", "items", "properties", "expect"}, "Reachable", nil},
		{"atomic.example", []string{"namespaces", "items", "properties", "routes", "items", "properties", "type"}, "Unicast", []string{"structured"}},
	} {
		server.installDoctoredCRD(t, doctored.group, doctored.property, doctored.value)
		for way, flags := range argoApplies {
			lab := server.applyDoctored(t, doctored.group, way, flags)
			for name, options := range argoComparisons(t, server, lab.GroupVersionKind()) {
				got, want := compare(t, lab, server.get(t, lab), options).Modified, slices.Contains(doctored.outOfSync, name)
				if got != want {
					t.Errorf("%s, applied %s, compared %s: out of sync is %v, want %v", doctored.group, way, name, got, want)
				}
			}
		}
	}
}

// argoApplies are the ways Argo CD applies, by kubectl's flags.
var argoApplies = map[string][]string{
	"client-side": {"--server-side=false"},
	"server-side": {"--server-side", "--force-conflicts", "--field-manager=" + argoManager},
}

// asArgoWouldApply gives objects the annotation by which Argo CD knows them again, and writes them
// to a file.
func asArgoWouldApply(t *testing.T, objects ...*unstructured.Unstructured) string {
	t.Helper()
	var documents []string
	for _, o := range objects {
		set(t, o.Object, "netlab:"+o.GetKind()+":"+o.GetNamespace()+"/"+o.GetName(), "metadata", "annotations", "argocd.argoproj.io/tracking-id")
		encoded, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, string(encoded))
	}
	path := filepath.Join(t.TempDir(), "tracked.yaml")
	write(t, path, strings.Join(documents, "---\n"))
	return path
}

// argoComparisons are the ways Argo CD compares: three-way by default (two-way where there is no
// last-applied annotation), structured for Applications with ServerSideApply=true, and
// server-side where that is turned on.
func argoComparisons(t *testing.T, s *server, kind schema.GroupVersionKind) map[string][]diff.Option {
	t.Helper()
	parser := s.openAPIParser(t, kind)
	common := []diff.Option{diff.WithGVKParser(parser), diff.WithManager(argoManager), diff.WithLogr(logr.Discard())}
	with := func(options ...diff.Option) []diff.Option { return append(options, common...) }
	return map[string][]diff.Option{
		"three-way":   with(),
		"structured":  with(diff.WithStructuredMergeDiff(true)),
		"server-side": with(diff.WithServerSideDiff(true), diff.WithServerSideDryRunner(dryRunner{s.client})),
	}
}

// openAPIParser knows the types of everything the API server publishes, kind included: a new CRD's
// types are published a little after it is established.
func (s *server) openAPIParser(t *testing.T, kind schema.GroupVersionKind) *managedfields.GvkParser {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		published, err := discovery.NewDiscoveryClientForConfigOrDie(s.config).OpenAPISchema()
		if err != nil {
			t.Fatal(err)
		}
		models, err := proto.NewOpenAPIData(published)
		if err != nil {
			t.Fatal(err)
		}
		parser, err := managedfields.NewGVKParser(models, false)
		if err != nil {
			t.Fatal(err)
		}
		if parser.Type(kind) != nil {
			return parser
		}
	}
	t.Fatalf("the API server does not publish the type of %s", kind)
	return nil
}

// dryRunner asks the API server what a server-side apply would make of an object.
type dryRunner struct{ client client.Client }

// Run makes dryRunner a diff.ServerSideDryRunner.
func (d dryRunner) Run(ctx context.Context, o *unstructured.Unstructured, manager string) (string, error) {
	predicted := o.DeepCopy()
	err := d.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(predicted), client.DryRunAll, client.ForceOwnership, client.FieldOwner(manager))
	if err != nil {
		return "", err
	}
	encoded, err := predicted.MarshalJSON()
	return string(encoded), err
}

func compare(t *testing.T, config, live *unstructured.Unstructured, options []diff.Option) *diff.DiffResult {
	t.Helper()
	result, err := diff.Diff(config.DeepCopy(), live.DeepCopy(), options...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// installDoctoredCRD serves NetLab's CRD in another group, with a default for one property of spec.
func (s *server) installDoctoredCRD(t *testing.T, group string, property []string, value string) {
	t.Helper()
	crd := readObjects(t, example("crd", "bases", "netlab.dev_netlabs.yaml"))[0]
	crd.SetName("netlabs." + group)
	set(t, crd.Object, group, "spec", "group")
	set(t, crd.Object, nil, "spec", "names", "categories") // kubectl would take netlab for both kinds
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	if err != nil {
		t.Fatal(err)
	}
	path := slices.Concat([]string{"schema", "openAPIV3Schema", "properties", "spec", "properties"}, property, []string{"default"})
	set(t, versions[0].(map[string]any), value, path...)
	set(t, crd.Object, versions, "spec", "versions")
	s.create(t, crd)
	s.kubectl(t, "wait", "--for=condition=Established", "crd/"+crd.GetName())
}

// applyDoctored applies the tutorial's lab, with a written route, as an object of another group.
func (s *server) applyDoctored(t *testing.T, group, way string, flags []string) *unstructured.Unstructured {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lab.yaml")
	const node = "namespaces: [{name: ns1"
	text := strings.Replace(read(t, example("samples", "routed-pair.yaml")), "netlab.dev/v1alpha1", group+"/v1alpha1", 1)
	if !strings.Contains(text, node) {
		t.Fatalf("there is no %q in\n%s", node, text)
	}
	write(t, path, strings.Replace(text, node, node+", routes: [{to: default, via: router}]", 1))
	lab := readObjects(t, path)[0]
	s.applyIn(t, way+"-"+strings.TrimSuffix(group, ".example"), path, lab, flags)
	return lab
}

func set(t *testing.T, object map[string]any, value any, path ...string) {
	t.Helper()
	if err := unstructured.SetNestedField(object, value, path...); err != nil {
		t.Fatal(err)
	}
}
