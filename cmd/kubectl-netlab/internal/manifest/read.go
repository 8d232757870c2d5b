// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxBytes is the size of the largest file that is read: about what the API server takes.
const MaxBytes = 1 << 20

// Stdin is the path that stands for standard input.
const Stdin = "-"

// Options complete documents.
type Options struct {
	// Namespace is that of documents that name none, and the only one that others may name.
	// Empty: any, and that of documents that name none is Default.
	Namespace string
	// Default is the namespace of documents that name none; empty means "default".
	Default string
	// Stdin is read for the path "-".
	Stdin io.Reader
}

// Read returns every NetLab of the files, in their order. A directory stands for the .yaml,
// .yml and .json files right inside it, but for kustomization.yaml. The error is Problems, and holds
// every problem of reading any of the files; then no document is returned.
func Read(paths []string, options Options) ([]Document, error) {
	docs := readAll(paths, options)
	var problems Problems
	for _, doc := range docs {
		problems = append(problems, doc.unread...)
	}
	if problems = append(problems, duplicates(docs)...); len(problems) > 0 {
		return nil, problems
	}
	return docs, nil
}

// Check is Read for NetLabs that can be built. The error is Problems, and holds every problem of any of
// the files, including those in the readable rest of a damaged document. The documents without problems
// are returned in any case.
func Check(paths []string, options Options) (valid []Document, err error) {
	docs := readAll(paths, options)
	var problems Problems
	for _, doc := range docs {
		wrong := doc.unread
		if doc.Lab != nil {
			wrong = append(wrong, doc.Validate()...)
		}
		if len(wrong) == 0 {
			valid = append(valid, doc)
		}
		slices.SortStableFunc(wrong, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
		problems = append(problems, wrong...)
	}
	if problems = append(problems, duplicates(docs)...); len(problems) > 0 {
		return valid, problems
	}
	return valid, nil
}

func readAll(paths []string, options Options) []Document {
	var docs []Document
	for _, path := range paths {
		docs = append(docs, readPath(path, options)...)
	}
	return docs
}

func readPath(path string, options Options) []Document {
	if path == Stdin {
		return readFile("standard input", options.Stdin, options)
	}
	files, err := filesOf(path)
	if err != nil {
		return unreadable(path, Problem{Message: reason(err)})
	}
	var docs []Document
	for _, name := range files {
		docs = append(docs, openFile(name, options)...)
	}
	return docs
}

// filesOf is the path itself, or the manifests of a directory.
func filesOf(path string) ([]string, error) {
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		return nil, errors.New("URLs are not supported; download the file first: curl -fsSL URL | kubectl netlab … -f -")
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		if isManifest(entry.Name()) && !entry.IsDir() {
			files = append(files, filepath.Join(path, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, errors.New("the directory has no .yaml, .yml or .json files")
	}
	return files, nil
}

// isManifest leaves out what tells kustomize about its directory and is no resource itself.
func isManifest(name string) bool {
	extension := filepath.Ext(name)
	return slices.Contains([]string{".yaml", ".yml", ".json"}, extension) && strings.TrimSuffix(name, extension) != "kustomization"
}

func openFile(name string, options Options) []Document {
	file, err := os.Open(name)
	if err != nil {
		return unreadable(name, Problem{Message: reason(err)})
	}
	defer file.Close()
	return readFile(name, file, options)
}

func readFile(name string, r io.Reader, options Options) []Document {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		return unreadable(name, Problem{Message: reason(err)})
	case len(data) > MaxBytes:
		return unreadable(name, Problem{Message: fmt.Sprintf("is larger than %d KiB", MaxBytes>>10), Fix: "write one file per lab"})
	}
	return parse(name, data, options)
}

// reason is the error without the path, which a Problem already names.
func reason(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return fmt.Sprintf("%s: %v", pathError.Op, pathError.Err)
	}
	return err.Error()
}

// duplicates reports labs that are described twice: which one is meant cannot be known.
func duplicates(docs []Document) Problems {
	var problems Problems
	first := map[string]Document{}
	for _, doc := range docs {
		if doc.Lab == nil || doc.Lab.Name == "" {
			continue
		}
		key := doc.Lab.Namespace + "/" + doc.Lab.Name
		if other, twice := first[key]; twice {
			problems = append(problems, doc.problem("metadata.name",
				fmt.Sprintf("%s is already defined at %s:%d", key, other.File, other.Line), ""))
			continue
		}
		first[key] = doc
	}
	return problems
}
