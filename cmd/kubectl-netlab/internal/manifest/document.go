// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"
	kyaml "sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// Document is one NetLab and where it was read.
type Document struct {
	// File as it was given.
	File string
	// Line on which the document's content starts.
	Line int
	// Lab has its namespace filled in.
	Lab *v1alpha1.NetLab

	root *yaml.Node
	// json is the document as the API server gets it, without what could not be read.
	json []byte
	// before is how many lines of the file come before what root was parsed from.
	before int
	// unread are the problems of reading it, gaps the fields without a value because of them.
	unread Problems
	gaps   []gap
	// renamed maps the paths of fields with corrected names to those in the document.
	renamed map[string]string
}

// Object is the lab as it is written, with its namespace.
func (d Document) Object() (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(d.json); err != nil {
		return nil, fmt.Errorf("read %s: %w", d.File, err)
	}
	object.SetNamespace(d.Lab.Namespace)
	return object, nil
}

// Locate adds the file and line to problems of the lab.
func (d Document) Locate(problems lab.Problems) Problems {
	located := make(Problems, 0, len(problems))
	for _, p := range problems {
		located = append(located, d.problem(p.Field, p.Message, p.Fix))
	}
	return located
}

// problem finds the line of a field, or of what would hold it.
func (d Document) problem(field, message, fix string) Problem {
	return Problem{File: d.File, Line: d.before + nodeAt(d.root, d.written(field)).Line, Field: field, Message: message, Fix: fix}
}

// written is the path of a field with names as the document has them.
func (d Document) written(field string) string {
	for corrected, written := range d.renamed {
		if within(field, corrected) {
			return written + strings.TrimPrefix(field, corrected)
		}
	}
	return field
}

// separator starts a document, as YAML has it; kubectl knows only a bare ---.
var separator = regexp.MustCompile(`(?m)^---(?:[ \t\r].*)?$`)

// parse returns the documents of a file. Those without content are skipped.
func parse(file string, data []byte, options Options) []Document {
	var docs []Document
	for _, part := range split(data) {
		doc := Document{File: file, before: bytes.Count(data[:part.start], []byte("\n"))}
		doc.unread = doc.parse(part.text, options)
		if doc.root != nil || len(doc.unread) > 0 {
			docs = append(docs, doc)
		}
	}
	if len(docs) == 0 {
		docs = unreadable(file, Problem{Message: "contains no NetLab"})
	}
	return docs
}

// unreadable stands for a file of which nothing could be read.
func unreadable(file string, p Problem) []Document {
	p.File = file
	return []Document{{File: file, unread: Problems{p}}}
}

// part is the text of one document, from its separator on.
type part struct {
	start int
	text  []byte
}

func split(data []byte) []part {
	var parts []part
	start := 0
	for _, at := range separator.FindAllIndex(data, -1) {
		parts = append(parts, part{start, data[start:at[0]]})
		start = at[0]
	}
	return append(parts, part{start, data[start:]})
}

// parse leaves the root nil when there is no content.
func (d *Document) parse(text []byte, options Options) Problems {
	if err := d.readTree(text); err != nil {
		return d.notYAML(err)
	}
	switch {
	case d.root == nil:
		return nil
	case d.root.Kind != yaml.MappingNode:
		return Problems{d.problem("", "is "+describe(d.root)+", not a NetLab", "write a mapping that starts with apiVersion and kind")}
	}
	problems, other := d.checkKind()
	if other {
		return problems
	}
	problems = append(problems, d.decode(text)...)
	if d.Lab == nil {
		return problems
	}
	return append(problems, d.checkMetadata(options)...)
}

// readTree reads the only YAML document of text. What follows an end marker would be ignored
// silently, so there must be nothing.
func (d *Document) readTree(text []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var tree, rest yaml.Node
	if err := decoder.Decode(&tree); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return err
	}
	if err := decoder.Decode(&rest); !errors.Is(err, io.EOF) {
		return errors.New("unexpected content after the end of the document")
	}
	if root := tree.Content[0]; root.Tag != "!!null" {
		d.root, d.Line = root, d.before+root.Line
	}
	return nil
}

var (
	yamlErrorLine = regexp.MustCompile(`^(?:.*: )?line (\d+): (.*)$`)
	// parserError matches errors of yaml.v3's parser, which counts lines from 0; its scanner counts from 1.
	parserError = regexp.MustCompile(`^did not find expected (<document start>|node content|'-' indicator|key|',' or)`)
)

// notYAML moves the line of a syntax error to its place.
func (d *Document) notYAML(err error) Problems {
	p := Problem{File: d.File, Line: d.before + 1, Message: strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")}
	p.Message = strings.TrimPrefix(p.Message, "yaml: ")
	if m := yamlErrorLine.FindStringSubmatch(p.Message); m != nil {
		line, _ := strconv.Atoi(m[1])
		p.Line, p.Message = d.before+line, m[2]
	}
	if parserError.MatchString(p.Message) {
		p.Line++
	}
	p.Message = "is neither YAML nor JSON: " + shorten(p.Message)
	return Problems{p}
}

// checkKind comes first: in another kind, what else is written means nothing here. A kind that is
// missing or has a typing error is not another one, if the API version is right, and the other way round.
func (d *Document) checkKind() (problems Problems, other bool) {
	right := 0
	for _, want := range []struct{ field, value string }{
		{"apiVersion", v1alpha1.GroupVersion.String()},
		{"kind", "NetLab"},
	} {
		switch got := child(d.root, want.field); {
		case got == nil:
			problems = append(problems, d.problem(want.field, "is missing", fmt.Sprintf("write %s: %s", want.field, want.value)))
		case got.Value != want.value:
			problems = append(problems, d.problem(want.field, fmt.Sprintf("is %q", shorten(got.Value)), fmt.Sprintf("write %s", want.value)))
			other = other || distance(got.Value, want.value) > 2
		default:
			right++
		}
	}
	return problems, other || right == 0
}

// decode fills in Lab, with what can be read. The conversion to JSON comes before the walk over the
// tree: it refuses aliases that would make the walk endless.
func (d *Document) decode(text []byte) Problems {
	asJSON, err := kyaml.YAMLToJSON(text)
	if err != nil {
		return d.notYAML(err)
	}
	problems, readable := d.checkFields(asJSON)
	if len(problems) > 0 {
		d.json = readable
		return append(problems, d.decodeRest()...)
	}
	d.json, d.Lab = asJSON, &v1alpha1.NetLab{}
	strict, err := kjson.UnmarshalStrict(asJSON, d.Lab)
	if err != nil {
		d.Lab = nil
		strict = append(strict, err)
	}
	for _, err := range strict {
		problems = append(problems, d.problem("", shorten(err.Error()), ""))
	}
	return problems
}

// decodeRest decodes a document without what could not be read.
func (d *Document) decodeRest() Problems {
	read := &v1alpha1.NetLab{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(d.json, read); err != nil {
		return Problems{d.problem("", shorten(err.Error()), "")}
	}
	d.Lab = read
	return nil
}
