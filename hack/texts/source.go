// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/netlab-dev/netlab/"

// addPrograms adds the texts of all packages in a folder, and of the packages of this module that they import.
// Files for every platform count.
func (t texts) addPrograms(root, folder string) error {
	waiting, err := packagesIn(root, folder)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for len(waiting) > 0 {
		dir := waiting[0]
		waiting = waiting[1:]
		if seen[dir] {
			continue
		}
		seen[dir] = true
		imports, err := t.addPackage(root, dir)
		if err != nil {
			return err
		}
		waiting = append(waiting, imports...)
	}
	return nil
}

// packagesIn returns the folders in a folder.
func packagesIn(root, folder string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(root, folder))
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, entry := range entries {
		if entry.IsDir() {
			dirs = append(dirs, path.Join(folder, entry.Name()))
		}
	}
	return dirs, nil
}

// addPackage adds the texts of one package and returns the folders of its imports in this module.
func (t texts) addPackage(root, dir string) ([]string, error) {
	files, err := parse(root, dir)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("package %s has no Go files", dir)
	}
	var imports []string
	for _, file := range files {
		for _, spec := range file.Imports {
			if imported, err := strconv.Unquote(spec.Path.Value); err == nil {
				if folder, own := strings.CutPrefix(imported, module); own {
					imports = append(imports, folder)
				}
			}
		}
	}
	constants := constantsOf(files)
	for _, file := range files {
		t.addFile(dir, file, constants)
	}
	return imports, nil
}

// parse reads the files of a package but its tests and generated code, sorted by name.
func parse(root, dir string) ([]*ast.File, error) {
	entries, err := fs.Glob(os.DirFS(filepath.Join(root, dir)), "*.go")
	if err != nil {
		return nil, err
	}
	slices.Sort(entries)
	var files []*ast.File
	for _, name := range entries {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "zz_generated") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// constantsOf returns the package's constants that are one literal.
func constantsOf(files []*ast.File) map[string]string {
	constants := map[string]string{}
	for _, file := range files {
		for _, declaration := range file.Decls {
			general, ok := declaration.(*ast.GenDecl)
			if !ok || general.Tok != token.CONST {
				continue
			}
			for _, spec := range general.Specs {
				addConstants(constants, spec.(*ast.ValueSpec))
			}
		}
	}
	return constants
}

func addConstants(constants map[string]string, spec *ast.ValueSpec) {
	for i, value := range spec.Values {
		if text, ok := literal(value); ok {
			constants[spec.Names[i].Name] = text
		}
	}
}

// scope is what identifiers of a file stand for.
type scope struct {
	constants map[string]string
	parsers   map[string]bool // imports whose functions take no texts for people
}

func (t texts) addFile(dir string, file *ast.File, constants map[string]string) {
	in := scope{constants, parsersOf(file)}
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			t.addNode(place{dir, functionName(d)}, d, in)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if value, ok := spec.(*ast.ValueSpec); ok {
					t.addNode(place{dir, value.Names[0].Name}, value, in)
				}
			}
		}
	}
}

// functionName is a function's name, with the type of its receiver.
func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	receiver := strings.TrimPrefix(types.ExprString(f.Recv.List[0].Type), "*")
	return receiver + "." + f.Name.Name
}

// addNode adds the texts of a declaration. A sum of texts is one text; what a text is compared with is none.
func (t texts) addNode(at place, node ast.Node, in scope) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field: // its tag, and types
			return false
		case *ast.CallExpr:
			if in.parsesText(n) {
				t.addNested(at, n, in)
				return false
			}
		case *ast.BinaryExpr:
			if n.Op != token.ADD && n.Op != token.EQL && n.Op != token.NEQ {
				return true
			}
			if text, ok := sum(n, in.constants); ok && n.Op == token.ADD {
				t.addProse(at, text)
			}
			t.addNested(at, n, in)
			return false
		case *ast.BasicLit:
			if text, ok := literal(n); ok {
				t.addProse(at, text)
			}
		}
		return true
	})
}

func (t texts) addProse(at place, text string) {
	if isProse(text) && !isTemplate(text) {
		t.add(at, text)
	}
}

// addNested adds the texts in the calls and function literals below a node, but not the node's own literals.
func (t texts) addNested(at place, node ast.Node, in scope) {
	ast.Inspect(node, func(n ast.Node) bool {
		if n == node {
			return true
		}
		switch n.(type) {
		case *ast.CallExpr, *ast.FuncLit, *ast.CompositeLit:
			t.addNode(at, n, in)
			return false
		}
		return true
	})
}

// parsers are packages whose functions take patterns, separators, paths or commands, and no texts for people.
var parsers = []string{"bytes", "os/exec", "path", "path/filepath", "regexp", "strings"}

func parsersOf(file *ast.File) map[string]bool {
	imported := map[string]bool{}
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err == nil && slices.Contains(parsers, name) {
			imported[path.Base(name)] = true
		}
	}
	return imported
}

func (in scope) parsesText(call *ast.CallExpr) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	name, ok := selector.X.(*ast.Ident)
	return ok && in.parsers[name.Name]
}

// sum joins the operands of +, if one of them is a literal. {x} stands for an operand that is not a constant.
func sum(e ast.Expr, constants map[string]string) (text string, hasLiteral bool) {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			left, inLeft := sum(e.X, constants)
			right, inRight := sum(e.Y, constants)
			return left + right, inLeft || inRight
		}
	case *ast.BasicLit:
		return literal(e)
	case *ast.Ident:
		if text, ok := constants[e.Name]; ok {
			return text, true
		}
	}
	return "{" + types.ExprString(e) + "}", false
}

// literal returns the value of a string literal.
func literal(e ast.Expr) (string, bool) {
	basic, ok := e.(*ast.BasicLit)
	if !ok || basic.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(basic.Value)
	return text, err == nil
}
