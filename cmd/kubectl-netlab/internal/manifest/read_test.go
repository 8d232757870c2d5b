// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
	"github.com/netlab-dev/netlab/controllers/lab"
)

const head = "apiVersion: netlab.dev/v1alpha1\nkind: NetLab\nmetadata: {name: lab}\n"

func read(t *testing.T, text string, options manifest.Options) ([]manifest.Document, error) {
	t.Helper()
	options.Stdin = strings.NewReader(text)
	return manifest.Read([]string{manifest.Stdin}, options)
}

// Every line is a document and what a person is told about it.
func TestWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown field":          {head + "spec:\n  links:\n  - {name: l1, subnetz: a}\n", "standard input:6: spec.links[0].subnetz: unknown field; did you mean subnet?"},
		"unknown field, far off": {head + "spec:\n  routers: [{name: r, neighbours: [x]}]\n", "standard input:5: spec.routers[0].neighbours: unknown field; known here: forwarding, loopbacks, name, routes, sysctls"},
		"letter case":            {head + "Spec: {}\n", "standard input:4: Spec: unknown field; did you mean spec?"},
		"duplicate field":        {head + "spec:\n  routing: Auto\n  routing: Manual\n", "standard input:6: spec.routing: duplicate field, already on line 5; remove one of them"},
		"y is a boolean":         {head + "spec:\n  namespaces: [{name: y}]\n", `standard input:5: spec.namespaces[0].name: YAML reads y as true; quote it: name: "y"`},
		"no is a boolean":        {head + "spec:\n  namespaces: [{name: no}]\n", `standard input:5: spec.namespaces[0].name: YAML reads no as false; quote it: name: "no"`},
		"on is a boolean":        {head + "spec:\n  probes: [{name: p, from: on, to: a}]\n", `standard input:5: spec.probes[0].from: YAML reads on as true; quote it: from: "on"`},
		"1 is a number":          {head + "spec:\n  namespaces:\n  - name: 1\n", `standard input:6: spec.namespaces[0].name: YAML reads 1 as a number; quote it: name: "1"`},
		"a number in a list":     {head + "spec:\n  subnets: [{name: a, cidrs: [10]}]\n", `standard input:5: spec.subnets[0].cidrs[0]: YAML reads 10 as a number; quote it: cidrs: "10"`},
		"a string for a number":  {head + "spec:\n  links: [{name: l, mtu: big}]\n", `standard input:5: spec.links[0].mtu: is "big"; write a whole number`},
		"half a byte":            {head + "spec:\n  links: [{name: l, mtu: 1500.5}]\n", `standard input:5: spec.links[0].mtu: is "1500.5"; write a whole number`},
		"a word for a boolean":   {head + "spec: {suspend: sometimes}\n", `standard input:4: spec.suspend: is "sometimes"; write true or false`},
		"a list for a mapping":   {head + "spec: [a]\n", "standard input:4: spec: is a list; write a mapping of fields"},
		"a mapping for a list":   {head + "spec:\n  links: {name: l1}\n", "standard input:5: spec.links: is a mapping; write a list: [ … ], or lines that start with -"},
		"a list for a name":      {head + "spec:\n  routers: [{name: [r]}]\n", "standard input:5: spec.routers[0].name: is a list; write a string"},
		"a boolean for a value":  {head + "spec:\n  routers: [{name: r, sysctls: [{name: x, value: yes}]}]\n", `standard input:5: spec.routers[0].sysctls[0].value: is "yes"; write a number or a string`},
		"a number too large":     {head + "spec:\n  links: [{name: l, mtu: 99999999999}]\n", "standard input:5: spec.links[0].mtu: is out of range; write a number of at most 32 bits"},

		"prose":               {"Dear reader,\nthis is a letter.\n", `standard input:1: is "Dear reader, this is a letter.", not a NetLab; write a mapping that starts with apiVersion and kind`},
		"not YAML":            {head + "spec:\n  links: [{name: l1\n", "standard input:5: is neither YAML nor JSON: did not find expected ',' or '}'"},
		"a tab":               {head + "spec:\n\tlinks: []\n", "standard input:5: is neither YAML nor JSON: found character that cannot start any token"},
		"binary":              {"\x00\x01\x02", "standard input:1: is neither YAML nor JSON: control characters are not allowed"},
		"nothing":             {"", "standard input: contains no NetLab"},
		"comments":            {"# nothing yet\n---\n# here neither\n", "standard input: contains no NetLab"},
		"after the end":       {head + "...\nspec: {}\n", "standard input:1: is neither YAML nor JSON: unexpected content after the end of the document"},
		"another kind":        {"apiVersion: v1\nkind: Pod\n", "standard input:1: apiVersion: is \"v1\"; write netlab.dev/v1alpha1\nstandard input:2: kind: is \"Pod\"; write NetLab"},
		"no kind":             {"apiVersion: netlab.dev/v1alpha1\n", "standard input:1: kind: is missing; write kind: NetLab\nstandard input:1: metadata.name: is missing; give the lab a name"},
		"no name":             {"apiVersion: netlab.dev/v1alpha1\nkind: NetLab\n", "standard input:1: metadata.name: is missing; give the lab a name"},
		"a way out":           {"apiVersion: netlab.dev/v1alpha1\nkind: NetLab\nmetadata: {name: ../../etc}\n", `standard input:3: metadata.name: name "../../etc" is not valid: use at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit; the name is part of the names of network namespaces`},
		"a dot":               {strings.Replace(head, "lab}", "a.b}", 1), `standard input:3: metadata.name: name "a.b" is not valid: use at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit; the name is part of the names of network namespaces`},
		"a namespace way out": {strings.Replace(head, "lab}", "lab, namespace: ../x}", 1), `standard input:3: metadata.namespace: name "../x" is not valid: use at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit`},
		"the same lab twice":  {head + "---\n" + head, "standard input:7: metadata.name: default/lab is already defined at standard input:1"},
		"all at once": {head + "speck: {}\n---\n" + head + "spec:\n  links: [{nam: y, name: y}]\n",
			"standard input:4: speck: unknown field; did you mean spec?\n" +
				"standard input:10: spec.links[0].nam: unknown field; did you mean name?\n" +
				`standard input:10: spec.links[0].name: YAML reads y as true; quote it: name: "y"` + "\n" +
				"standard input:8: metadata.name: default/lab is already defined at standard input:1"},
	} {
		t.Run(name, func(t *testing.T) {
			docs, err := read(t, c.text, manifest.Options{})
			if err == nil {
				t.Fatalf("read %d documents, want the error\n%s", len(docs), c.want)
			}
			if err.Error() != c.want {
				t.Errorf("got\n%s\nwant\n%s", err, c.want)
			}
			if len(docs) > 0 {
				t.Errorf("%d documents beside an error", len(docs))
			}
		})
	}
}

func TestWhatIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"YAML":                      {head, []string{"default/lab"}},
		"JSON":                      {`{"apiVersion": "netlab.dev/v1alpha1", "kind": "NetLab",` + "\n\t" + `"metadata": {"name": "lab"}}`, []string{"default/lab"}},
		"Windows line ends":         {strings.ReplaceAll("---\n"+head+"---\n", "\n", "\r\n"), []string{"default/lab"}},
		"two documents":             {head + "--- # and\n" + strings.Replace(head, "lab}", "b}", 1), []string{"default/lab", "default/b"}},
		"empty documents":           {"---\n# c\n---\n" + head + "---\n", []string{"default/lab"}},
		"its own namespace":         {strings.Replace(head, "lab}", "lab, namespace: team}", 1), []string{"team/lab"}},
		"what kubectl get prints":   {head + "status: {conditions: [{type: Ready, status: \"True\", lastTransitionTime: \"2026-01-01T00:00:00Z\", reason: Ready, message: \"\"}]}\n", []string{"default/lab"}},
		"quoted names":              {head + "spec: {namespaces: [{name: \"y\"}, {name: '1'}]}\n", []string{"default/lab"}},
		"a name that is a date":     {head + "spec: {namespaces: [{name: 2026-01-01}]}\n", []string{"default/lab"}},
		"a field without a value":   {head + "spec:\n  links:\n", []string{"default/lab"}},
		"numbers and strings alike": {head + "spec: {placement: {maxUnavailable: 10%}, routers: [{name: r, sysctls: [{name: a, value: 1}, {name: b, value: \"1\"}]}]}\n", []string{"default/lab"}},
		"anchors and merge keys":    {head + "spec:\n  namespaces:\n  - &host {name: a, routes: [{to: default, via: r}]}\n  - {<<: *host, name: b}\n", []string{"default/lab"}},
	} {
		t.Run(name, func(t *testing.T) {
			docs, err := read(t, c.text, manifest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, doc := range docs {
				got = append(got, doc.Lab.Namespace+"/"+doc.Lab.Name)
			}
			if strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("read %v, want %v", got, c.want)
			}
		})
	}
}

func TestNamespaceOfTheCommand(t *testing.T) {
	docs, err := read(t, head, manifest.Options{Namespace: "team"})
	if err != nil || docs[0].Lab.Namespace != "team" {
		t.Errorf("read %v, %v; want namespace team", docs, err)
	}
	_, err = read(t, strings.Replace(head, "lab}", "lab, namespace: other}", 1), manifest.Options{Namespace: "team"})
	want := `standard input:3: metadata.namespace: is "other", but the namespace of the command is "team"; remove one of them`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLargeFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"200 kB of comment are a comment":  {head + "# " + strings.Repeat("x", 200_000), ""},
		"200 kB of one letter":             {strings.Repeat("a", 200_000), "standard input:1: is \"" + strings.Repeat("a", 80) + "…\", not a NetLab; write a mapping that starts with apiVersion and kind"},
		"200 kB of unknown fields":         {head + strings.Repeat("a: 1\n", 40_000), "and 39950 more"},
		"unknown fields in unknown fields": {head + "spec:\n" + numbered("  f%d: {link: [{endpoint: [{subinterface: [{nam: 1}]}]}], routers: [{route: [{t: 1}]}]}\n", 5_000), "and 4950 more"},
		"more than any lab":                {head + strings.Repeat("#\n", manifest.MaxBytes), "standard input: is larger than 1024 KiB; write one file per lab"},
		"aliases that grow":                {head + "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + growing("abcdefghij"), "document contains excessive aliasing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, c.text, manifest.Options{})
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.HasSuffix(err.Error(), c.want)):
				t.Errorf("got %.500v, want %s", err, c.want)
			}
		})
	}
}

func numbered(line string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

// growing defines each letter as ten times the one before.
func growing(letters string) string {
	var b strings.Builder
	for i := 1; i < len(letters); i++ {
		use := "*" + letters[i-1:i]
		b.WriteString(letters[i:i+1] + ": &" + letters[i:i+1] + " [" + use + strings.Repeat(","+use, 9) + "]\n")
	}
	return b.String()
}

func TestFilesAndDirectories(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "b.yaml"), head)
	write(t, filepath.Join(dir, "a.json"), `{"apiVersion": "netlab.dev/v1alpha1", "kind": "NetLab", "metadata": {"name": "first"}}`)
	write(t, filepath.Join(dir, "notes.txt"), "not read")
	write(t, filepath.Join(dir, "kustomization.yaml"), "resources: [b.yaml]")

	docs, err := manifest.Read([]string{dir}, manifest.Options{})
	if err != nil || len(docs) != 2 || docs[0].Lab.Name != "first" || docs[1].Lab.Name != "lab" {
		t.Errorf("read %v, %v; want first and lab", docs, err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "missing.yaml"): "missing.yaml: stat: no such file or directory",
		t.TempDir():                        ": the directory has no .yaml, .yml or .json files",
		"https://example.org/lab.yaml":     ": URLs are not supported",
	} {
		if _, err := manifest.Read([]string{path}, manifest.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("read %s: %v, want %s", path, err, want)
		}
	}
}

// What lab.Validate finds wrong is shown on the line of its field, or of what would hold it.
func TestLocate(t *testing.T) {
	docs, err := read(t, "---\n"+head+"spec:\n  links:\n  - name: l1\n    subnet: nowhere\n  - {name: l2}\n", manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for field, line := range map[string]int{
		"spec.links[0].subnet":            8,
		"spec.links[1].endpoints[0].name": 9,
		"spec.probes[7]":                  6,
	} {
		located := docs[0].Locate(lab.Problems{{Field: field, Message: "is wrong"}})
		if located[0].Line != line || located[0].File != "standard input" {
			t.Errorf("%s is at %s:%d, want line %d", field, located[0].File, located[0].Line, line)
		}
	}
}

func TestErrorIsProblems(t *testing.T) {
	_, err := read(t, "kind: Pod\n", manifest.Options{})
	if problems, ok := errors.AsType[manifest.Problems](err); !ok || len(problems) != 2 || problems[1].Field != "kind" {
		t.Errorf("got %#v, want two Problems", err)
	}
}

// sharing are the samples that are about one address in several places.
var sharing = []string{"anycast", "vlan-isolation"}

// The samples are what every other test starts from.
func TestSamplesAreRead(t *testing.T) {
	docs, err := manifest.Read([]string{"../../../../config/samples"}, manifest.Options{})
	if err != nil || len(docs) < 9 {
		t.Fatalf("read %d samples, %v", len(docs), err)
	}
	for _, doc := range docs {
		problems, warnings := lab.Lint(doc.Lab)
		warnings = slices.DeleteFunc(warnings, func(w lab.Problem) bool {
			return slices.Contains(sharing, doc.Lab.Name) && strings.Contains(w.Message, "is also the address of")
		})
		if len(problems)+len(warnings) > 0 {
			t.Errorf("%s: %v\n%v", doc.File, problems, warnings)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whatever a file holds, it is either read or refused with a place and a text that fits on a
// screen.
func FuzzRead(f *testing.F) {
	f.Add(head)
	f.Add(head + "spec:\n  namespaces: [{name: y}]\n")
	f.Add("---\n<<: *a\n")
	f.Add("a: &a [*a]\n")
	f.Add("? [a]\n: !!binary x\n")
	f.Add(head + "spec:\n  nodes: [{name: a}]\n  link: [{nam: l, mtu: \"12\", endpoints: {name: a}}, x, null]\n  probes: [{from: &a y, <<: {to: *a}}]\n  probes: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		docs, err := read(t, text, manifest.Options{})
		if (err == nil) != (len(docs) > 0) {
			t.Fatalf("%d documents and the error %v", len(docs), err)
		}
		valid, checked := manifest.Check([]string{manifest.Stdin}, manifest.Options{Stdin: strings.NewReader(text)})
		if err != nil && checked == nil || checked == nil && len(valid) != len(docs) {
			t.Fatalf("Read says %v; Check says nothing, and returns %d documents of %d", err, len(valid), len(docs))
		}
		if checked == nil {
			return
		}
		for line := range strings.Lines(checked.Error()) {
			if len(line) > 2000 {
				t.Errorf("a line of %d bytes: %s", len(line), line)
			}
		}
	})
}
