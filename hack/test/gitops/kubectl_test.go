// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Once applied and reported on, a sample applied again changes nothing, by neither of the two
// ways to apply: not in a dry run, not for kubectl diff, and not in truth.
func TestApplyingASampleAgainChangesNothing(t *testing.T) {
	server := apiServer(t)
	for way, flags := range waysToApply {
		t.Run(way, func(t *testing.T) {
			eachSample(t, server, way, func(t *testing.T, file string, lab *unstructured.Unstructured) {
				server.apply(t, lab, file, flags)
				server.report(t, lab, "built-probes-pass")
				live := server.get(t, lab)

				dry := server.dryRun(t, lab, file, flags)
				if diff := cmp.Diff(content(live), content(dry)); diff != "" {
					t.Errorf("a dry run would change (-live +dry):\n%s", diff)
				}
				if out, code := server.diff(t, lab, file, flags); code != 0 {
					t.Errorf("kubectl diff exits %d:\n%s", code, out)
				}
				server.apply(t, lab, file, flags)
				if was, is := live.GetResourceVersion(), server.get(t, lab).GetResourceVersion(); is != was {
					t.Errorf("applying it again changed it from version %s to %s", was, is)
				}
			})
		})
	}
}

// The test above can fail: it reports a change of one field.
func TestKubectlDiffFindsAChange(t *testing.T) {
	server := apiServer(t)
	file := example("samples", "routed-pair.yaml")
	for way, flags := range waysToApply {
		t.Run(way, func(t *testing.T) {
			lab := readObjects(t, file)[0]
			server.applyIn(t, "changed-"+way, file, lab, flags)
			server.patch(t, lab, `[{"op":"replace","path":"/spec/subnets/0/cidrs/0","value":"203.0.113.0/24"}]`)
			if out, code := server.diff(t, lab, file, flags); code != 1 || !strings.Contains(out, "203.0.113.0/24") {
				t.Errorf("kubectl diff exits %d:\n%s", code, out)
			}
		})
	}
}

// waysToApply are flags of kubectl apply and kubectl diff.
var waysToApply = map[string][]string{
	"client-side": {"--server-side=false"},
	"server-side": {"--server-side", "--force-conflicts"},
}

// dryRun returns what applying the file would make of the lab.
func (s *server) dryRun(t *testing.T, lab *unstructured.Unstructured, file string, flags []string) *unstructured.Unstructured {
	t.Helper()
	out := s.kubectl(t, append([]string{"apply", "-n", lab.GetNamespace(), "-f", file, "--dry-run=server", "-o", "json"}, flags...)...)
	predicted := &unstructured.Unstructured{}
	if err := predicted.UnmarshalJSON([]byte(out)); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	return predicted
}

// diff returns what kubectl diff says and its exit code: 0 for nothing, 1 for differences.
func (s *server) diff(t *testing.T, lab *unstructured.Unstructured, file string, flags []string) (string, int) {
	t.Helper()
	out, err := s.tryKubectl(append([]string{"diff", "-n", lab.GetNamespace(), "-f", file}, flags...)...)
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return out, exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return out, 0
}

// content is an object without the server's own book-keeping.
func content(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	o.SetManagedFields(nil)
	return o.Object
}
