// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
)

// check returns everything that is wrong with a text, a line each.
func check(text string) []string {
	_, err := manifest.Check([]string{manifest.Stdin}, manifest.Options{Stdin: strings.NewReader(text)})
	if err == nil {
		return nil
	}
	return strings.Split(strings.ReplaceAll(err.Error(), "standard input:", ""), "\n")
}

const two = head + "spec:\n  namespaces: [{name: a}, {name: b}]\n"

// Everything that is wrong is said at once, and nothing that may be true once the rest is read.
func TestWhatIsWrongAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"an unknown field, a bad name and host bits": {
			two + "  subnets: [{name: net, cidrs: [192.0.2.7/24]}]\n  links:\n  - {name: L1, subnetz: net, endpoints: [{name: a}, {name: c}]}\n",
			[]string{"6: spec.subnets[0].cidrs[0]", "8: spec.links[0].name: name", "8: spec.links[0].subnetz: unknown field; did you mean subnet?", "8: spec.links[0].endpoints[1].name: node"},
		},
		"a field under a wrong name is read": {
			two + "  subnet: [{name: net, cidrs: [192.0.2.7/24]}]\n  links:\n  - {name: l1, subnet: net, endpoint: [{name: a}, {name: c}]}\n",
			[]string{"6: spec.subnet: unknown field; did you mean subnets?", "6: spec.subnets[0].cidrs[0]", "8: spec.links[0].endpoint: unknown field; did you mean endpoints?", "8: spec.links[0].endpoints[1].name: node"},
		},
		"a field under a name that nobody can guess": {
			head + "spec:\n  hosts: [{name: a}, {name: b}]\n  links:\n  - {name: l1, ends: [{name: a}, {name: b}], mtu: 1}\n",
			[]string{"5: spec.hosts: unknown field", "7: spec.links[0].ends: unknown field; known here", "7: spec.links[0].mtu"},
		},
		"an unknown field that can stand for none": {
			two + "  links:\n  - {name: l1, subnet: net, remark: the cable, endpoints: [{name: a}, {name: b}]}\n  subnets: [{name: net, cidrs: [\"fd00::/64\"]}]\n  probes: [{name: p, from: a, to: b, family: IPv4}]\n",
			[]string{"7: spec.links[0].remark: unknown field", "9: spec.probes[0]: a and b do not both have"},
		},
		"a link that is left out": {
			two + "  links: [{name: l1, endpoints: [{name: a, addresses: [192.0.2.1/24]}, {name: c}]}]\n  probes: [{name: p, from: b, to: a}]\n",
			[]string{"6: spec.links[0].endpoints[1].name: node"},
		},
		"an unknown field may be the one that is needed": {
			two + "  links:\n  - {name: l1, endpoints: [{name: a, addresses: [192.0.2.1/24]}, {name: b, ips: [192.0.2.2/24]}]}\n  probes: [{name: p, from: a, to: b}, {name: q, from: a, target: b}]\n",
			[]string{"7: spec.links[0].endpoints[1].ips: unknown field", "8: spec.probes[1].target: unknown field"},
		},
		"a wrong type in a list, and a duplicate elsewhere": {
			two + "  links:\n  - {name: l1, endpoints: [{name: a, addresses: [192.0.2.1/24]}, {name: b, addresses: [192.0.2.1/24]}]}\n  - cable\n",
			[]string{"7: spec.links[0].endpoints[1]: 192.0.2.1", `8: spec.links[1]: is "cable"`},
		},
		"a node that cannot be read may have the name": {
			head + "spec:\n  namespaces: [{name: a}, b]\n  links: [{name: l1, endpoints: [{name: a}, {name: b}]}]\n  probes: [{name: p, from: a, to: c}]\n",
			[]string{`5: spec.namespaces[1]: is "b"; write a mapping of fields`},
		},
		"booleans are names": {
			head + "spec:\n  namespaces: [{name: y}, {name: n}]\n  links: [{name: l1, endpoints: [{name: \"y\"}, {name: n}]}, {name: l2, endpoints: [{name: \"n\"}, {name: o}]}]\n",
			[]string{"5: spec.namespaces[0].name: YAML reads y as true", "5: spec.namespaces[1].name: YAML reads n as false", "6: spec.links[0].endpoints[1].name: YAML reads n as false", "6: spec.links[1].endpoints[1].name: node"},
		},
		"duplicate keys": {
			two + "  subnets: [{name: net, cidrs: [192.0.2.0/24], cidrs: [192.0.2.0/24]}]\n  links:\n  - {name: l1, subnet: net, endpoints: [{name: a}, {name: b}]}\n  links:\n  - {name: l2, subnet: nets, endpoints: [{name: a}, {name: b}]}\n",
			[]string{"6: spec.subnets[0].cidrs: duplicate field, already on line 6", "9: spec.links: duplicate field, already on line 7", "10: spec.links[0].subnet: subnet"},
		},
		"a null in a list": {
			two + "  links: [null, {name: l1, endpoints: [{name: a}, {name: c}]}]\n",
			[]string{"6: spec.links[0]: is null", "6: spec.links[1].endpoints[1].name: node"},
		},
		"a list that is missing, and a reference into it": {
			head + "spec:\n  namespaces:\n  links: [{name: l1, subnet: net, endpoints: [{name: a}, {name: b}], mtu: 1}]\n",
			[]string{"6: spec.links[0].subnet: subnet", "6: spec.links[0].endpoints[0].name: node", "6: spec.links[0].mtu"},
		},
		"a list that is a mapping, and a reference into it": {
			head + "spec:\n  namespaces: {a: {}, b: {}}\n  links: [{name: l1, subnet: net, endpoints: [{name: a}, {name: b}]}]\n",
			[]string{"5: spec.namespaces: is a mapping; write a list", "6: spec.links[0].subnet: subnet"},
		},
		"several documents, one of them not YAML": {
			two + "  links: [{name: l1, endpoints: [{name: a}, {name: c}]}]\n---\nspec: [\n---\n" + strings.Replace(two, "lab}", "Other}", 1) + "  link: []\n",
			[]string{"6: spec.links[0].endpoints[1].name: node", "9: is neither YAML nor JSON", "12: metadata.name", "15: spec.link: unknown field; did you mean links?"},
		},
		"no metadata that can be read": {
			strings.Replace(two, "{name: lab}", "[lab]", 1) + "  probes: [{name: p, from: a, to: c}]\n",
			[]string{"3: metadata: is a list", "6: spec.probes[0].to: node"},
		},
		"a kind with a typing error": {
			strings.Replace(two, "NetLab", "Netlab", 1) + "  probes: [{name: p, from: a, to: c}]\n",
			[]string{`2: kind: is "Netlab"; write NetLab`, "6: spec.probes[0].to: node"},
		},
		"another kind": {
			strings.Replace(two, "NetLab", "NetLabNodeState", 1) + "  probes: [{name: p, from: a, to: c}]\n",
			[]string{`2: kind: is "NetLabNodeState"; write NetLab`},
		},
		"numbers and booleans in quotes": {
			two + "  suspend: \"true\"\n  links: [{name: l1, mtu: \"1280\", endpoints: [{name: a}, {name: c}]}]\n",
			[]string{`6: spec.suspend: is "true"; write true or false, without quotes`, `7: spec.links[0].mtu: is "1280"; write a whole number, without quotes`, "7: spec.links[0].endpoints[1].name: node"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := check(c.text)
			if !matched(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// matched reports whether the lines begin as wanted, whatever their order.
func matched(lines, wanted []string) bool {
	lines = slices.Clone(lines)
	for _, want := range wanted {
		i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, want) })
		if i < 0 {
			return false
		}
		lines = slices.Delete(lines, i, i+1)
	}
	return len(lines) == 0
}

// A fault is put into a lab that is valid, and must be named.
type fault struct {
	// name says what is done.
	name string
	// inject returns the path of the field that is damaged, and a part of what is said of it; an empty path
	// where there is nothing to damage. Each list of the spec is damaged by one fault at most: touches.
	touches string
	inject  func(r *rand.Rand, spec *yaml.Node) (path, text string)
	// hides says what is not certain beside this fault: names of nodes. absent says the same of the fault.
	hides, absent bool
	// reading is a fault that leaves the lab valid once it is fixed: nothing else may be said.
	reading bool
}

var faults = []fault{
	{name: "an unknown field", touches: "links", reading: true, inject: onItem("links", func(r *rand.Rand, link *yaml.Node) (string, string) {
		put(link, "remark", text("the cable in the cellar"))
		return ".remark", "unknown field"
	})},
	{name: "a misspelt field", touches: "links", reading: true, inject: onItem("links", func(r *rand.Rand, link *yaml.Node) (string, string) {
		rename(link, "endpoints", "endpoint")
		return ".endpoint", "did you mean endpoints?"
	})},
	{name: "a misspelt list", touches: "subnets", reading: true, inject: func(_ *rand.Rand, spec *yaml.Node) (string, string) {
		if value(spec, "subnets") == nil {
			return "", ""
		}
		rename(spec, "subnets", "subnet")
		return "spec.subnet", "did you mean subnets?"
	}},
	{name: "a list under another name", touches: "namespaces", hides: true, reading: true, inject: func(_ *rand.Rand, spec *yaml.Node) (string, string) {
		if value(spec, "namespaces") == nil {
			return "", ""
		}
		rename(spec, "namespaces", "hosts")
		return "spec.hosts", "unknown field"
	}},
	{name: "a word for a number", touches: "links", reading: true, inject: onItem("links", func(r *rand.Rand, link *yaml.Node) (string, string) {
		put(link, "mtu", text("big"))
		return ".mtu", "write a whole number"
	})},
	{name: "a link that is a word", touches: "links", reading: true, inject: onItem("links", func(r *rand.Rand, link *yaml.Node) (string, string) {
		*link = *text("cable")
		return "", "write a mapping"
	})},
	{name: "an endpoint that is a word", touches: "links", reading: true, inject: onItem("links", func(r *rand.Rand, link *yaml.Node) (string, string) {
		end := value(link, "endpoints").Content[0]
		*end = *text("plug")
		return ".endpoints[0]", "write a mapping"
	})},
	{name: "a node that is a word", touches: "namespaces", hides: true, reading: true, inject: onItem("namespaces", func(r *rand.Rand, node *yaml.Node) (string, string) {
		*node = *text("node")
		return "", "write a mapping"
	})},
	{name: "a node whose name is a list", touches: "routers", hides: true, reading: true, inject: onItem("routers", func(r *rand.Rand, node *yaml.Node) (string, string) {
		put(node, "name", &yaml.Node{Kind: yaml.SequenceNode})
		return ".name", "write a string"
	})},
	{name: "probes that are a mapping", touches: "probes", reading: true, inject: func(_ *rand.Rand, spec *yaml.Node) (string, string) {
		put(spec, "probes", &yaml.Node{Kind: yaml.MappingNode})
		return "spec.probes", "write a list"
	}},
	{name: "a probe's target that is a list", touches: "probes", reading: true, inject: onItem("probes", func(r *rand.Rand, probe *yaml.Node) (string, string) {
		if value(probe, "to") == nil {
			return "", ""
		}
		put(probe, "to", &yaml.Node{Kind: yaml.SequenceNode})
		return ".to", "write a string"
	})},
	{name: "a field twice", touches: "probes", reading: true, inject: onItem("probes", func(r *rand.Rand, probe *yaml.Node) (string, string) {
		probe.Content = append(probe.Content, text("from"), value(probe, "from"))
		return ".from", "duplicate field"
	})},
	{name: "a null in a list", touches: "routers", reading: true, hides: true, inject: appended("routers", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, "", "is null")},

	{name: "a boolean for a name", touches: "probes", absent: true, inject: onItem("probes", func(r *rand.Rand, probe *yaml.Node) (string, string) {
		put(probe, "from", &yaml.Node{Kind: yaml.ScalarNode, Value: "y"})
		return ".from", "YAML reads y as true"
	})},
	{name: "host bits", touches: "subnets", inject: appended("subnets", parsed("{name: bits, cidrs: [198.18.0.7/24]}"), ".cidrs[0]", "host bits")},
	{name: "a bad name", touches: "namespaces", inject: appended("namespaces", parsed("{name: Bad_Name}"), ".name", "Bad_Name")},
	{name: "a name twice", touches: "namespaces", inject: func(_ *rand.Rand, spec *yaml.Node) (string, string) {
		list := value(spec, "namespaces")
		if list == nil {
			return "", ""
		}
		list.Content = append(list.Content, parsed("{name: "+value(list.Content[0], "name").Value+"}"))
		return fmt.Sprintf("spec.namespaces[%d].name", len(list.Content)-1), "already"
	}},
	{name: "an unknown node", touches: "probes", absent: true, inject: appended("probes", parsed("{name: lost, from: nowhere, to: nowhere}"), ".from", "nowhere")},
	{name: "an unknown node at a link", touches: "links", absent: true, inject: appended("links", parsed("{name: lost, endpoints: [{name: nowhere}, {name: nowhere}]}"), ".endpoints[0].name", "nowhere")},
	{name: "a wrong word", touches: "links", inject: onItem("links", func(r *rand.Rand, link *yaml.Node) (string, string) {
		put(link, "state", text("Sideways"))
		return ".state", "Sideways"
	})},
	{name: "an explicit zero", touches: "probes", inject: onItem("probes", func(r *rand.Rand, probe *yaml.Node) (string, string) {
		put(probe, "periodSeconds", &yaml.Node{Kind: yaml.ScalarNode, Value: "0"})
		return ".periodSeconds", "is 0"
	})},
	{name: "a missing field", touches: "routers", inject: appended("routers", parsed("{forwarding: Enabled}"), ".name", "")},
}

// k faults in each sample are all named. Where they leave the lab valid once they are fixed, nothing else is.
func TestEveryFaultIsNamed(t *testing.T) {
	files, err := filepath.Glob("../../../../config/samples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, tried := rand.New(rand.NewPCG(9, 6)), map[string]int{}
	for round := range 20 {
		for _, file := range files {
			if filepath.Base(file) != "kustomization.yaml" {
				damage(t, r, file, 1+round%4, tried)
			}
		}
	}
	for _, f := range faults {
		if tried[f.name] < 10 {
			t.Errorf("%s was tried %d times", f.name, tried[f.name])
		}
	}
}

func damage(t *testing.T, r *rand.Rand, file string, k int, tried map[string]int) {
	t.Helper()
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tree := parsed(string(written))
	spec := value(tree, "spec")
	type named struct {
		fault
		path, text string
	}
	var done []named
	for _, i := range r.Perm(len(faults)) {
		f := faults[i]
		if len(done) == k || slices.ContainsFunc(done, func(o named) bool { return o.touches == f.touches }) {
			continue
		}
		if path, text := f.inject(r, spec); path != "" {
			done = append(done, named{f, path, text})
			tried[f.name]++
		}
	}
	damaged, err := yaml.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	got := check(string(damaged))
	hidden := slices.ContainsFunc(done, func(f named) bool { return f.hides })
	strict := !slices.ContainsFunc(done, func(f named) bool { return !f.reading })
	for _, f := range done {
		at := slices.IndexFunc(got, func(line string) bool {
			return strings.Contains(line, " "+f.path+": ") && strings.Contains(line, f.text)
		})
		switch {
		case at >= 0:
			got = slices.Delete(got, at, at+1)
		case !f.absent || !hidden:
			t.Errorf("%s: %s at %s is not named among\n%s\nin\n%s", filepath.Base(file), f.name, f.path, strings.Join(got, "\n"), damaged)
		}
	}
	if strict && len(got) > 0 {
		t.Errorf("%s: what is said beside the faults may not be true:\n%s\nin\n%s", filepath.Base(file), strings.Join(got, "\n"), damaged)
	}
}

// onItem damages an item of a list; the path that it returns is inside the item.
func onItem(list string, inject func(r *rand.Rand, item *yaml.Node) (path, text string)) func(*rand.Rand, *yaml.Node) (string, string) {
	return func(r *rand.Rand, spec *yaml.Node) (string, string) {
		items := value(spec, list)
		if items == nil || len(items.Content) == 0 {
			return "", ""
		}
		i := r.IntN(len(items.Content))
		path, text := inject(r, items.Content[i])
		if text == "" {
			return "", ""
		}
		return fmt.Sprintf("spec.%s[%d]%s", list, i, path), text
	}
}

// appended puts an item at the end of a list.
func appended(list string, item *yaml.Node, path, text string) func(*rand.Rand, *yaml.Node) (string, string) {
	return func(_ *rand.Rand, spec *yaml.Node) (string, string) {
		items := value(spec, list)
		if items == nil {
			items = &yaml.Node{Kind: yaml.SequenceNode}
			put(spec, list, items)
		}
		items.Content = append(items.Content, item)
		return fmt.Sprintf("spec.%s[%d]%s", list, len(items.Content)-1, path), text
	}
}

func parsed(text string) *yaml.Node {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		panic(err)
	}
	return document.Content[0]
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func value(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func put(mapping *yaml.Node, key string, to *yaml.Node) {
	if old := value(mapping, key); old != nil {
		*old = *to
		return
	}
	mapping.Content = append(mapping.Content, text(key), to)
}

func rename(mapping *yaml.Node, key, to string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content[i].Value = to
		}
	}
}
