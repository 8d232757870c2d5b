// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const head = `# API reference

Written by ` + "`make generate`" + ` from the comments of [v1alpha1](v1alpha1). ` + "`kubectl explain netlabs.spec --recursive`" + ` prints the same from a cluster, and ` +
	"`kubectl netlab reason NAME`" + ` shows a reason with an example and the fix.

- [Conditions](#conditions)
- [Reasons](#reasons)
`

// page is the reference in Markdown.
func (a *api) page() string {
	var b strings.Builder
	b.WriteString(head)
	var types []declared
	for _, t := range a.types {
		if !strings.HasSuffix(t.name, "List") {
			types = append(types, t)
			fmt.Fprintf(&b, "- [%s](#%s)\n", t.name, strings.ToLower(t.name))
		}
	}
	a.writeConditions(&b)
	a.writeReasons(&b)
	for _, t := range types {
		a.writeType(&b, t)
	}
	return b.String()
}

func (a *api) writeConditions(b *strings.Builder) {
	b.WriteString("\n## Conditions\n")
	for _, c := range a.consts {
		if strings.HasPrefix(c.name, "Condition") {
			fmt.Fprintf(b, "\n### %s\n\n%s\n", c.value, paragraphs.ReplaceAllString(withoutName(c), "\n\nReasons for "))
		}
	}
}

// Each list of reasons is a paragraph.
var paragraphs = regexp.MustCompile(`\n+Reasons for `)

func (a *api) writeReasons(b *strings.Builder) {
	b.WriteString("\n## Reasons\n\n| reason | conditions | meaning |\n|---|---|---|\n")
	for _, r := range a.reasons() {
		var of []string
		for _, c := range r.Conditions {
			of = append(of, c.Type+"="+c.Status)
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", r.Name, strings.Join(of, "<br>"), cell(r.Meaning))
	}
}

func (a *api) writeType(b *strings.Builder, t declared) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", t.name, t.doc)
	if t.value != "" {
		fmt.Fprintf(b, "\n%s\n", strings.Join(append([]string{"A " + t.value + "."}, a.limits(t.markers)...), " "))
		return
	}
	b.WriteString("\n| field | type | |\n|---|---|---|\n")
	for _, f := range t.fields {
		a.writeField(b, f)
	}
}

func (a *api) writeField(b *strings.Builder, f field) {
	if f.name == "" {
		fmt.Fprintf(b, "| | %s | its fields |\n", a.link(f.of))
		return
	}
	presence := "required"
	if f.optional || slices.Contains(f.markers, "optional") {
		presence = "optional"
	}
	fmt.Fprintf(b, "| %s | %s, %s | %s |\n", f.name, a.link(f.of), presence, cell(strings.Join(append([]string{f.doc}, a.limits(f.markers)...), " ")))
}

// link is a type of Go as readers of YAML know it.
func (a *api) link(of string) string {
	if of, is := strings.CutPrefix(of, "[]"); is {
		return "list of " + a.link(of)
	}
	if slices.ContainsFunc(a.types, func(t declared) bool { return t.name == of }) {
		return fmt.Sprintf("[%s](#%s)", of, strings.ToLower(of))
	}
	return cmp.Or(words[of], of)
}

var words = map[string]string{
	"bool": "boolean", "int32": "integer", "int64": "integer", "uint16": "integer", "intstr.IntOrString": "integer or string", "map[string]string": "map of strings",
	"metav1.Condition": "condition", "metav1.ConditionStatus": "string", "metav1.ObjectMeta": "metadata", "metav1.Time": "time", "metav1.TypeMeta": "apiVersion, kind", "types.UID": "string",
}

// limits are the constraints of a value in words. Patterns are left out: the descriptions say what they allow.
func (a *api) limits(markers []string) (list []string) {
	for _, m := range markers {
		name, value, _ := strings.Cut(strings.TrimPrefix(m, "kubebuilder:validation:"), "=")
		switch name {
		case "Enum":
			list = append(list, "One of "+strings.ReplaceAll(value, ";", ", ")+".")
		case "XValidation":
			if _, rest, found := strings.Cut(m, `",message="`); found {
				message, _, _ := strings.Cut(rest, `"`)
				list = append(list, "Rule: "+message+".")
			}
		}
	}
	return list
}

// cell is text in a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
