// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

const source = `package p

import "strings"

const way = "there and back"

type t struct {
	F string ` + "`json:\"not a text\"`" + `
}

func (*t) method(n int, s string) {
	say("one" + " text " + way, func() { say("in a function") })
	say("from " + strings.Join(list("a list", "of texts"), " or else ") + " to here")
	strings.HasPrefix(s, "no text here")
	if s == "not this one" || say("but this one") {
	}
	say("net.ipv4.ip_forward", "/run/netlab", "%s: %w", "word", "%d labs", "rm \"$1\" please", "{{ if it }} is {{ end }}")
}
`

func TestWhatIsATextForUsers(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := texts{}
	found.addFile("p", file, constantsOf([]*ast.File{file}))
	want := []string{
		"one text there and back", "in a function",
		`from {strings.Join(list("a list", "of texts"), " or else ")} to here`, "a list", "of texts",
		"but this one", "%d labs",
	}
	if got := found[place{"p", "t.method"}]; !slices.Equal(got, want) {
		t.Errorf("texts of t.method: %q, want %q", got, want)
	}
	if got := found[place{"p", "way"}]; !slices.Equal(got, []string{"there and back"}) {
		t.Errorf("texts of way: %q", got)
	}
}
