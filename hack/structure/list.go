// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// listed is what `go list` prints of a package.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	Imports         []string
	Module          struct{ Path string }
}

// folder is the package's, below the module's.
func (p listed) folder() string { return strings.TrimPrefix(p.ImportPath, p.Module.Path+"/") }

// ships reports whether the package is part of what users get.
func (p listed) ships() bool { return !strings.HasPrefix(p.folder()+"/", "hack/") }

// list returns the packages of the module in a directory, as they are built on Linux.
func list(root string) ([]listed, error) {
	command := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports,Module", "./...")
	command.Dir = root
	command.Env = append(os.Environ(), "GOOS=linux", "GOFLAGS=-buildvcs=false", "GOWORK=off")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("list the packages of %s: %w: %s", root, err, stderr.Bytes())
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the output of go list: %w", err)
		}
		packages = append(packages, p)
	}
}

// imports is the graph of the packages that ship, by folder.
func imports(packages []listed) graph {
	folders := map[string]string{}
	for _, p := range packages {
		if p.ships() && len(p.GoFiles) > 0 {
			folders[p.ImportPath] = p.folder()
		}
	}
	g := graph{}
	for _, p := range packages {
		folder, ok := folders[p.ImportPath]
		if !ok {
			continue
		}
		g[folder] = nil
		for _, path := range p.Imports {
			if to, ok := folders[path]; ok {
				g[folder] = append(g[folder], to)
			}
		}
	}
	return g
}
