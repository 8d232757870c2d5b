// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
)

// testdata/messages.golden has each text of a problem or warning once per kind of field, to be read as a
// whole. A call of refuse or warn whose text is not in it fails the test: add a spec that produces it to
// testdata/messages.txtar.
func TestMessages(t *testing.T) {
	calls, produced := reportCalls(t), map[string]bool{}
	lines := map[string]string{}
	for _, text := range specs(t) {
		var spec v1alpha1.NetLabSpec
		if err := yaml.UnmarshalStrict(text, &spec); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		problems, warnings := lab.Lint(&v1alpha1.NetLab{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "Lab"}, Spec: spec})
		for kind, list := range map[string]lab.Problems{"error": problems, "warning": warnings} {
			for _, p := range list {
				shape := itemIndex.ReplaceAllString(p.Field, "[]")
				for _, c := range callsOf(calls, kind, p) {
					produced[c.position] = true
					key := kind + shape + c.pattern.String()
					lines[key] = cmp.Or(lines[key], fmt.Sprintf("%s: %s: %s; %s\n", kind, shape, p.Message, p.Fix))
				}
			}
		}
	}
	for _, c := range calls {
		if !produced[c.position] {
			t.Errorf("%s: no spec in testdata produces this text", c.position)
		}
	}
	compareMessages(t, strings.Join(slices.Compact(slices.Sorted(maps.Values(lines))), ""))
}

var itemIndex = regexp.MustCompile(`\[\d+\]`)

func compareMessages(t *testing.T, got string) {
	const golden = "testdata/messages.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; -update writes it (-want +got):\n%s", golden, diff)
	}
}

// specs are those of the scenarios in testdata/compile, those of testdata/messages.txtar, and some too large for a file.
func specs(t *testing.T) (texts [][]byte) {
	files, err := filepath.Glob("testdata/compile/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range append(files, "testdata/messages.txtar") {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, ".yaml") {
				texts = append(texts, f.Data)
			}
		}
	}
	for _, spec := range []*v1alpha1.NetLabSpec{
		labtest.Grid{Routers: labtest.MaxRouters, Hosts: labtest.MaxNamespaces, Loopbacks: labtest.MaxLoopbacks}.Spec(),
		tooManyNeighbours(), probedByOne(),
	} {
		large, err := yaml.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, large)
	}
	return texts
}

// tooManyNeighbours has too many rows because of its static neighbours.
func tooManyNeighbours() *v1alpha1.NetLabSpec {
	spec := labtest.Grid{Routers: labtest.MaxRouters, Hosts: labtest.MaxNamespaces, Loopbacks: 3}.Spec()
	spec.Neighbors = v1alpha1.NeighborsStatic
	for i := range 85 {
		for r := range 64 {
			spec.Namespaces[i].Routes = append(spec.Namespaces[i].Routes, v1alpha1.Route{To: fmt.Sprintf("10.200.%d.0/24", r), Type: v1alpha1.RouteBlackhole})
		}
	}
	return spec
}

// probedByOne has a host that pings every other one.
func probedByOne() *v1alpha1.NetLabSpec {
	spec := labtest.Grid{Routers: 12, Hosts: 150}.Spec()
	for _, host := range spec.Namespaces[1:] {
		spec.Probes = append(spec.Probes, v1alpha1.Probe{Name: host.Name, From: spec.Namespaces[0].Name, To: host.Name})
	}
	return spec
}

// reportCall is a call of refuse, refuseAbsent or warn in this package.
type reportCall struct {
	position, kind string
	// pattern matches field, message and fix, a line each. What is not a literal matches anything.
	pattern *regexp.Regexp
	// literal is the number of literal characters.
	literal int
}

// callsOf are the calls that can have made a problem: of those that match, the ones with the most literal
// text.
func callsOf(calls []reportCall, kind string, p lab.Problem) (best []reportCall) {
	text := p.Field + "\n" + p.Message + "\n" + p.Fix
	for _, c := range calls {
		switch {
		case c.kind != kind || !c.pattern.MatchString(text):
		case len(best) == 0 || c.literal > best[0].literal:
			best = []reportCall{c}
		case c.literal == best[0].literal:
			best = append(best, c)
		}
	}
	return best
}

// reportCalls are those in the files of the package, but for the methods in problem.go itself.
func reportCalls(t *testing.T) (calls []reportCall) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sources := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "problem.go" {
			continue
		}
		file, err := parser.ParseFile(sources, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if c, ok := parseCall(call); ok {
					c.position = sources.Position(call.Pos()).String()
					calls = append(calls, c)
				}
			}
			return true
		})
	}
	return calls
}

// parseCall is the pattern of one call; ok is false for a call of anything else.
func parseCall(call *ast.CallExpr) (c reportCall, ok bool) {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return reportCall{}, false
	}
	arguments := call.Args
	switch c.kind = "error"; method.Sel.Name {
	case "refuse":
	case "refuseAbsent":
		arguments = arguments[1:]
	case "warn":
		c.kind = "warning"
	default:
		return reportCall{}, false
	}
	field, fix, message := pattern(arguments[0], false), pattern(arguments[1], false), pattern(arguments[2], true)
	c.pattern = regexp.MustCompile("^" + field + "\n" + message + "\n" + fix + "$")
	c.literal = len(strings.ReplaceAll(field+message+fix, ".*", ""))
	return c, true
}

var verb = regexp.MustCompile(`%[a-z]`)

// pattern is a regular expression for the values of an expression; a format's verbs match anything.
func pattern(e ast.Expr, format bool) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		text = regexp.QuoteMeta(text)
		if format {
			text = verb.ReplaceAllString(text, ".*")
		}
		return text
	case *ast.BinaryExpr:
		return pattern(e.X, false) + pattern(e.Y, false)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" {
			return pattern(e.Args[0], true)
		}
	}
	return ".*"
}
