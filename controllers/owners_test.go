// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// owned is a NetLab that several field managers apply.
type owned struct {
	t         *testing.T
	client    client.Client
	group     string
	namespace string
}

// The lab's author lists both ends. ns2 comes first, so it has the lowest derived address.
const (
	authored = `
  namespaces: [{name: ns1}, {name: ns2}]
  subnets: [{name: left, cidrs: [192.0.2.0/24]}]
  links:
  - {name: l1, subnet: left, endpoints: [{name: ns2, mtu: 1400}, {name: ns1}]}
`
	impairing = `
  links:
  - {name: l1, endpoints: [{name: ns1, impairment: {loss: LOSS}}]}
`
	nothing = `
  links: []
`
)

func loss(share string) string { return strings.Replace(impairing, "LOSS", share, 1) }

// apply is server-side apply without force.
func (o owned) apply(manager, spec string) error {
	o.t.Helper()
	lab := o.object()
	var content map[string]any
	if err := yaml.Unmarshal([]byte("spec:"+spec), &content); err != nil {
		o.t.Fatal(err)
	}
	lab.Object["spec"] = content["spec"]
	return o.client.Apply(o.t.Context(), client.ApplyConfigurationFromUnstructured(lab), client.FieldOwner(manager))
}

func (o owned) mustApply(manager, spec string) {
	o.t.Helper()
	if err := o.apply(manager, spec); err != nil {
		o.t.Fatalf("%s: %v", manager, err)
	}
}

func (o owned) object() *unstructured.Unstructured {
	lab := &unstructured.Unstructured{}
	lab.SetAPIVersion(o.group + "/v1alpha1")
	lab.SetKind("NetLab")
	lab.SetNamespace(o.namespace)
	lab.SetName("pair")
	return lab
}

// wantEnds compares the ends of the only link, in order.
func (o owned) wantEnds(want string) {
	o.t.Helper()
	lab := o.object()
	if err := o.client.Get(o.t.Context(), client.ObjectKeyFromObject(lab), lab); err != nil {
		o.t.Fatal(err)
	}
	links, _, err := unstructured.NestedSlice(lab.Object, "spec", "links")
	if err != nil || len(links) != 1 {
		o.t.Fatalf("%d links: %v", len(links), err)
	}
	got := toJSON(o.t, links[0].(map[string]any)["endpoints"])
	if got != want {
		o.t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestTheImpairmentOfOneEndHasItsOwnOwner: an experiment owns the impairment of one end, and the lab's author the rest of
// the link. The order of the ends, on which derived addresses depend, stays the author's.
func TestTheImpairmentOfOneEndHasItsOwnOwner(t *testing.T) {
	c := adminClient(t)
	testOwners(owned{t, c, "netlab.dev", newNamespace(t, c)})
}

func testOwners(o owned) {
	t := o.t
	t.Helper()
	o.mustApply("author", authored)
	o.mustApply("experiment", loss("5%"))
	o.wantEnds(`[{"mtu":1400,"name":"ns2"},{"impairment":{"loss":"5%"},"name":"ns1"}]`)
	o.mustApply("author", strings.Replace(authored, "1400", "1300", 1))
	o.wantEnds(`[{"mtu":1300,"name":"ns2"},{"impairment":{"loss":"5%"},"name":"ns1"}]`)
	err := o.apply("author", strings.Replace(authored, "{name: ns1}]", "{name: ns1, impairment: {loss: 1%}}]", 1))
	if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `conflict with "experiment": .spec.links[name="l1"].endpoints[name="ns1"].impairment.loss`) {
		t.Errorf("two owners of one value: %v", err)
	}
	o.mustApply("experiment", nothing)
	o.wantEnds(`[{"mtu":1300,"name":"ns2"},{"name":"ns1"}]`)
}

// TestLabsFromBeforeEndpointsHadKeys: until v1alpha1 of this revision, endpoints was one value with one owner. Labs that
// were stored then keep their owners, take a second one, and take writes of the status even if their
// endpoints are invalid now.
func TestLabsFromBeforeEndpointsHadKeys(t *testing.T) {
	c := adminClient(t)
	upgrade := installBefore(t, c)
	applied := owned{t, c, beforeGroup, newNamespace(t, c)}
	updated := owned{t, c, beforeGroup, newNamespace(t, c)}
	looped := owned{t, c, beforeGroup, newNamespace(t, c)}
	applied.mustApply("author", authored)
	created := updated.object()
	if err := yaml.Unmarshal([]byte("spec:"+authored), &created.Object); err != nil {
		t.Fatal(err)
	}
	create(t, c, created)
	looped.mustApply("author", strings.Replace(authored, "{name: ns1}]}", "{name: ns2}]}", 1))

	upgrade()
	applied.mustApply("experiment", loss("5%"))
	testOwners(applied)
	updated.mustApply("experiment", loss("5%"))
	updated.wantEnds(`[{"mtu":1400,"name":"ns2"},{"impairment":{"loss":"5%"},"name":"ns1"}]`)
	stored := looped.object()
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(stored), stored); err != nil {
		t.Fatal(err)
	}
	stored.Object["status"] = map[string]any{"observedGeneration": int64(1)}
	if err := c.Status().Update(t.Context(), stored); err != nil {
		t.Errorf("write the status of a lab whose link has both ends at one node: %v", err)
	}
	looped.mustApply("author", authored)
	looped.wantEnds(`[{"mtu":1400,"name":"ns2"},{"name":"ns1"}]`)
}

const beforeGroup = "before.netlab.dev"

// installBefore installs a copy of the CRD in which endpoints is one value. upgrade replaces it by a copy of
// the CRD as it is.
func installBefore(t *testing.T, c client.Client) (upgrade func()) {
	t.Helper()
	path := filepath.Join("..", "config", "crd", "bases", "netlab.dev_netlabs.yaml")
	before := inGroup(readObjects(t, path)[0])
	endpoints := []string{"schema", "openAPIV3Schema", "properties", "spec", "properties", "links", "items", "properties", "endpoints"}
	changeVersion(t, before, func(version map[string]any) {
		list, _, err := unstructured.NestedMap(version, endpoints...)
		if err != nil {
			t.Fatal(err)
		}
		list["x-kubernetes-list-type"] = "atomic"
		delete(list, "x-kubernetes-list-map-keys")
		if err := unstructured.SetNestedMap(version, list, endpoints...); err != nil {
			t.Fatal(err)
		}
	})
	create(t, c, before)
	probe := owned{t, c, beforeGroup, newNamespace(t, c)}
	twice := strings.Replace(authored, "{name: ns1}]}", "{name: ns2}]}", 1)
	eventually(t, "the copy of the CRD", func(context.Context) (bool, string) {
		err := probe.apply("author", twice)
		return err == nil, errorText(err)
	})
	return func() {
		t.Helper()
		after := inGroup(readObjects(t, path)[0])
		after.SetResourceVersion(before.GetResourceVersion())
		eventually(t, "the new CRD", func(ctx context.Context) (bool, string) {
			if err := c.Get(ctx, client.ObjectKeyFromObject(before), before); err != nil {
				return false, err.Error()
			}
			after.SetResourceVersion(before.GetResourceVersion())
			err := c.Update(ctx, after)
			return err == nil, errorText(err)
		})
		eventually(t, "keys of endpoints", func(context.Context) (bool, string) {
			err := probe.apply("author", twice)
			return err != nil && strings.Contains(err.Error(), "duplicate entries for key"), errorText(err)
		})
	}
}

// inGroup moves a CRD to another API group, so that it leaves NetLab's alone.
func inGroup(definition *unstructured.Unstructured) *unstructured.Unstructured {
	definition.SetName("netlabs." + beforeGroup)
	spec := definition.Object["spec"].(map[string]any)
	spec["group"] = beforeGroup
	delete(spec["names"].(map[string]any), "categories")
	delete(spec["names"].(map[string]any), "shortNames")
	return definition
}

func changeVersion(t *testing.T, definition *unstructured.Unstructured, change func(version map[string]any)) {
	t.Helper()
	versions, _, err := unstructured.NestedSlice(definition.Object, "spec", "versions")
	if err != nil {
		t.Fatal(err)
	}
	change(versions[0].(map[string]any))
	if err := unstructured.SetNestedSlice(definition.Object, versions, "spec", "versions"); err != nil {
		t.Fatal(err)
	}
}

func toJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func errorText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}
