// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// api is what the source of the types says, in its order.
type api struct {
	types  []declared
	values map[string][]string // of a type, quoted
	consts []constant          // of conditions.go
}

// declared is a type; one without fields is a value.
type declared struct {
	name, doc string
	markers   []string
	value     string
	fields    []field
}

type field struct {
	name, doc string
	// of is the type as it is written in Go.
	of       string
	optional bool
	markers  []string
}

type constant struct{ name, value, doc string }

func read(folder string) (*api, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*_types.go"))
	if err != nil {
		return nil, err
	}
	a := &api{values: map[string][]string{}}
	for _, path := range append(files, filepath.Join(folder, "conditions.go")) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			if group, is := d.(*ast.GenDecl); is {
				a.add(group)
			}
		}
	}
	return a, nil
}

func (a *api) add(group *ast.GenDecl) {
	for _, spec := range group.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			a.types = append(a.types, typeOf(s, group.Doc))
		case *ast.ValueSpec:
			a.addConstant(s, group.Doc)
		}
	}
}

func (a *api) addConstant(s *ast.ValueSpec, group *ast.CommentGroup) {
	if len(s.Values) != 1 {
		return
	}
	literal, is := s.Values[0].(*ast.BasicLit)
	if !is || literal.Kind != token.STRING {
		return
	}
	value, err := strconv.Unquote(literal.Value)
	if err != nil {
		return
	}
	if of, is := s.Type.(*ast.Ident); is {
		a.values[of.Name] = append(a.values[of.Name], value)
		return
	}
	doc := s.Doc
	if doc == nil {
		doc = group
	}
	text, _ := split(doc)
	a.consts = append(a.consts, constant{s.Names[0].Name, value, text})
}

func typeOf(s *ast.TypeSpec, doc *ast.CommentGroup) declared {
	d := declared{name: s.Name.Name}
	d.doc, d.markers = split(doc)
	fields, is := s.Type.(*ast.StructType)
	if !is {
		d.value = written(s.Type)
		return d
	}
	for _, f := range fields.Fields.List {
		d.fields = append(d.fields, fieldOf(f))
	}
	return d
}

// fieldOf has no name for an embedded type whose fields are those of the outer one.
func fieldOf(f *ast.Field) (of field) {
	of.of = written(f.Type)
	of.doc, of.markers = split(f.Doc)
	if f.Tag != nil {
		tag, _ := strconv.Unquote(f.Tag.Value)
		_, rest, _ := strings.Cut(tag, `json:"`)
		list, _, _ := strings.Cut(rest, `"`)
		name, options, _ := strings.Cut(list, ",")
		of.name, of.optional = name, strings.Contains(options, "omit")
	}
	return of
}

func written(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.StarExpr:
		return written(t.X)
	case *ast.ArrayType:
		return "[]" + written(t.Elt)
	case *ast.MapType:
		return "map[" + written(t.Key) + "]" + written(t.Value)
	case *ast.SelectorExpr:
		return written(t.X) + "." + t.Sel.Name
	}
	return ""
}

// split separates the text of a comment from its markers.
func split(doc *ast.CommentGroup) (text string, markers []string) {
	var lines []string
	for line := range strings.Lines(doc.Text()) {
		line = strings.TrimSpace(line)
		if marker, is := strings.CutPrefix(line, "+"); is {
			markers = append(markers, marker)
			continue
		}
		lines = append(lines, line)
	}
	return strings.TrimSpace(strings.Join(lines, "\n")), markers
}
