// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A condition's documentation lists its reasons by status.
var reasonList = regexp.MustCompile(`Reasons for (True|False|Unknown): ([A-Za-z, ]+)\.`)

func TestEveryReasonIsListedWithItsCondition(t *testing.T) {
	constants := documentedConstants(t)
	var listed []string
	for name, c := range constants {
		if !strings.HasPrefix(name, "Condition") {
			continue
		}
		lists := reasonList.FindAllStringSubmatch(c.doc, -1)
		if len(lists) == 0 {
			t.Errorf("%s lists no reasons", name)
		}
		for _, list := range lists {
			listed = append(listed, strings.Split(list[2], ", ")...)
		}
	}
	for name, c := range constants {
		if strings.HasPrefix(name, "Reason") && !slices.Contains(listed, c.value) {
			t.Errorf("no condition lists the reason %s", c.value)
		}
	}
}

// kubectl explain netlabs.status.conditions has the same lists as conditions.go.
func TestExplainListsEveryReason(t *testing.T) {
	definition := definitions(t)[filepath.Join("..", "..", "config", "crd", "bases", "netlab.dev_netlabs.yaml")]
	versions, _, _ := unstructured.NestedSlice(definition, "spec", "versions")
	text, _, _ := unstructured.NestedString(versions[0].(map[string]any), "schema", "openAPIV3Schema", "properties", "status", "properties", "conditions", "description")
	paragraphs := map[string]string{}
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		kind, rest, _ := strings.Cut(strings.Join(strings.Fields(paragraph), " "), ": ")
		paragraphs[kind] = rest
	}
	for name, c := range documentedConstants(t) {
		if !strings.HasPrefix(name, "Condition") {
			continue
		}
		if paragraphs[c.value] == "" {
			t.Errorf("there is no paragraph %s", c.value)
		}
		for _, list := range reasonList.FindAllStringSubmatch(c.doc, -1) {
			// Ready and Stalled have the reasons of the others.
			of := list[1] + ": " + list[2] + "."
			if c.value != "Ready" && c.value != "Stalled" && !strings.Contains(paragraphs[c.value], of) {
				t.Errorf("the paragraph %s lacks %q", c.value, of)
			}
		}
	}
}

type documented struct{ value, doc string }

// documentedConstants are the constants of conditions.go by name, each documentation on one line.
func documentedConstants(t *testing.T) map[string]documented {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "conditions.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	constants := map[string]documented{}
	for _, declaration := range file.Decls {
		group := declaration.(*ast.GenDecl)
		for _, spec := range group.Specs {
			c := spec.(*ast.ValueSpec)
			value, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			doc := c.Doc
			if doc == nil { // a constant without a group
				doc = group.Doc
			}
			constants[c.Names[0].Name] = documented{value, strings.Join(strings.Fields(doc.Text()), " ")}
		}
	}
	return constants
}
