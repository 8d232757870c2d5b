// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
)

// source is a package's code, without what is generated.
type source struct {
	folder string
	lines  int
	// functions are the lengths of its functions and methods, in lines.
	functions []int
	// references point from file to file.
	references graph
}

// reader parses and type-checks the packages of one module.
type reader struct {
	fset    *token.FileSet
	listed  map[string]listed
	checked map[string]*types.Package
	std     types.Importer
	sources []source
}

// read returns the code of every package that ships, sorted by folder.
func read(packages []listed) ([]source, error) {
	r := reader{fset: token.NewFileSet(), listed: map[string]listed{}, checked: map[string]*types.Package{}, std: importer.Default()}
	for _, p := range packages {
		r.listed[p.ImportPath] = p
	}
	for _, p := range packages {
		if !p.ships() || len(p.GoFiles) == 0 {
			continue
		}
		if _, err := r.Import(p.ImportPath); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(r.sources, func(a, b source) int { return cmp.Compare(a.folder, b.folder) })
	return r.sources, nil
}

// Import implements types.Importer. Packages of other modules are empty: no file of this module
// declares what is in them, and so no reference is lost.
func (r *reader) Import(path string) (*types.Package, error) {
	if p, ok := r.checked[path]; ok {
		return p, nil
	}
	p, ours := r.listed[path]
	if !ours {
		std, err := r.std.Import(path)
		if err != nil {
			std = types.NewPackage(path, filepath.Base(path))
			std.MarkComplete()
		}
		r.checked[path] = std
		return std, nil
	}
	return r.check(p)
}

// check reads a package. Errors of types are expected, since packages of other modules are empty.
func (r *reader) check(p listed) (*types.Package, error) {
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(r.fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", p.folder(), err)
		}
		files = append(files, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: r, FakeImportC: true, Error: func(error) {}}
	pkg, _ := config.Check(p.ImportPath, r.fset, files, info)
	r.checked[p.ImportPath] = pkg
	if p.ships() {
		r.sources = append(r.sources, r.measure(p, pkg, files, info))
	}
	return pkg, nil
}

func (r *reader) measure(p listed, pkg *types.Package, files []*ast.File, info *types.Info) source {
	s := source{folder: p.folder(), references: graph{}}
	for _, file := range files {
		if ast.IsGenerated(file) {
			continue
		}
		s.lines += r.fset.File(file.Pos()).LineCount()
		s.references[r.file(file.Pos())] = nil
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				s.functions = append(s.functions, r.line(f.End())-r.line(f.Pos())+1)
			}
		}
	}
	edges := map[edge]bool{}
	for ident, object := range info.Uses {
		if object.Pkg() == pkg && object.Pos().IsValid() && declaredOutside(object) {
			edges[edge{r.file(ident.Pos()), r.file(object.Pos())}] = true
		}
	}
	for e := range edges {
		if _, written := s.references[e.from]; written && e.from != e.to {
			s.references[e.from] = append(s.references[e.from], e.to)
		}
	}
	for _, from := range slices.Collect(maps.Keys(s.references)) {
		slices.Sort(s.references[from])
	}
	return s
}

// declaredOutside reports whether an object is declared outside of every function: at package level,
// or as a field or method.
func declaredOutside(object types.Object) bool {
	switch o := object.(type) {
	case *types.Var:
		return o.IsField() || o.Parent() == o.Pkg().Scope()
	case *types.Func:
		return true
	}
	return object.Parent() == object.Pkg().Scope()
}

func (r *reader) file(pos token.Pos) string { return filepath.Base(r.fset.Position(pos).Filename) }
func (r *reader) line(pos token.Pos) int    { return r.fset.Position(pos).Line }
