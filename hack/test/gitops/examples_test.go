// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	// Pins the module that Argo CD's CRDs come with; the package itself is only data.
	_ "github.com/argoproj/argo-cd/v3/resource_customizations"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// The API server holds Argo CD's own CRD, so it refuses what Argo CD would not understand.
func TestTheApplicationsAreWhatArgoCDUnderstands(t *testing.T) {
	server := apiServer(t)
	server.createNamespace(t, "argocd")
	server.kubectl(t, "apply", "--validate=strict", "-f", example("argocd", "application.yaml"))

	labs := readExample(t, "labs", "argocd", "application.yaml")
	options, _, err := unstructured.NestedStringSlice(labs.Object, "spec", "syncPolicy", "syncOptions")
	if err != nil || !slices.Contains(options, "SkipDryRunOnMissingResource=true") {
		t.Errorf("sync options of the labs are %q, %v: they could not be synced before the CRD is there", options, err)
	}
}

func TestTheAPIServerRefusesAnApplicationWithATypo(t *testing.T) {
	server := apiServer(t)
	server.createNamespace(t, "typo")
	content := strings.ReplaceAll(read(t, example("argocd", "application.yaml")), "namespace: argocd", "namespace: typo")
	path := filepath.Join(t.TempDir(), "typo.yaml")
	write(t, path, strings.Replace(content, "selfHeal", "selfheal", 1))
	if out, err := server.tryKubectl("apply", "--validate=strict", "-f", path); err == nil || !strings.Contains(out, `unknown field "spec.syncPolicy.automated.selfheal"`) {
		t.Errorf("got %v: %s", err, out)
	}
}

func TestTheKustomizationsAreWhatFluxUnderstands(t *testing.T) {
	for _, file := range []string{"netlab", "labs"} {
		objects := readObjects(t, example("flux", file+".yaml"))
		if len(objects) != 2 {
			t.Fatalf("%s.yaml has %d objects, want a source and a Kustomization", file, len(objects))
		}
		source, kustomization := sourcev1.GitRepository{}, kustomizev1.Kustomization{}
		decodeStrictly(t, objects[0], &source, sourcev1.GroupVersion.String(), sourcev1.GitRepositoryKind)
		decodeStrictly(t, objects[1], &kustomization, kustomizev1.GroupVersion.String(), kustomizev1.KustomizationKind)
		if ref := kustomization.Spec.SourceRef; ref.Kind != source.Kind || ref.Name != source.Name {
			t.Errorf("%s.yaml: sourceRef is %+v, and its source is %s %s", file, ref, source.Kind, source.Name)
		}
		if !kustomization.Spec.Wait {
			t.Errorf("%s.yaml does not wait, so what depends on it does not wait either", file)
		}
	}
}

func TestFluxAppliesLabsAfterTheCRD(t *testing.T) {
	netlab, labs := exampleKustomization(t, "netlab"), exampleKustomization(t, "labs")
	if on := labs.Spec.DependsOn; len(on) != 1 || on[0].Name != netlab.Name || labs.Namespace != netlab.Namespace {
		t.Errorf("labs depend on %+v, want %s", on, netlab.Name)
	}
}

// The paths that examples name in this repository must be there.
func TestExamplesNamePathsThatExist(t *testing.T) {
	application := readExample(t, "netlab", "argocd", "application.yaml")
	path, _, err := unstructured.NestedString(application.Object, "spec", "source", "path")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, exampleKustomization(t, "netlab").Spec.Path} {
		if _, err := os.Stat(filepath.Join("..", "..", "..", path, "kustomization.yaml")); err != nil {
			t.Error(err)
		}
	}
}

// example is the path of a file in config.
func example(elements ...string) string {
	return filepath.Join(append([]string{"..", "..", "..", "config"}, elements...)...)
}

// readExample returns the last object of a name in a file of config.
func readExample(t *testing.T, name string, path ...string) *unstructured.Unstructured {
	t.Helper()
	objects := readObjects(t, example(path...))
	slices.Reverse(objects)
	i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetName() == name })
	if i < 0 {
		t.Fatalf("%s has no object %s", example(path...), name)
	}
	return objects[i]
}

func exampleKustomization(t *testing.T, name string) *kustomizev1.Kustomization {
	t.Helper()
	kustomization := &kustomizev1.Kustomization{}
	decodeStrictly(t, readExample(t, name, "flux", name+".yaml"), kustomization, kustomizev1.GroupVersion.String(), kustomizev1.KustomizationKind)
	return kustomization
}

// decodeStrictly refuses fields that the type does not have, and objects of another kind.
func decodeStrictly(t *testing.T, o *unstructured.Unstructured, into any, version, kind string) {
	t.Helper()
	if o.GetAPIVersion() != version || o.GetKind() != kind {
		t.Fatalf("%s is a %s %s, want %s %s", o.GetName(), o.GetAPIVersion(), o.GetKind(), version, kind)
	}
	encoded, err := yaml.Marshal(o.Object)
	if err == nil {
		err = yaml.UnmarshalStrict(encoded, into)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", kind, o.GetName(), err)
	}
}

// readYAML decodes a file of config that is no Kubernetes object.
func readYAML[T any](t *testing.T, path ...string) (value T) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(read(t, example(path...))), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// applicationCRD is where the pinned module of Argo CD has its CRD.
func applicationCRD() (string, error) {
	directory, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-cd/v3").Output()
	return filepath.Join(strings.TrimSpace(string(directory)), "manifests", "crds", "application-crd.yaml"), err
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
