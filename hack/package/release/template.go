// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// template turns an object into a template: what settings name is replaced in the object by a
// mark, and the mark's line in the text by a reference to the value.
type template struct {
	object *yaml.RNode
	marks  []func(line markedLine) string
}

// markedLine is INDENT KEY: MARK or INDENT- MARK.
type markedLine struct{ indent, key string }

// marked is what a mark's line looks like. kyaml writes such words without quotes.
var marked = regexp.MustCompile(`(?m)^( *)(?:- |([A-Za-z]+): )NETLABMARK(\d+)$`)

// quoted keeps what looks like a template in a manifest (alerts have some) from being one, and
// makes the namespace the release's.
var quoted = strings.NewReplacer("{{", `{{ "{{" }}`, namespace, "{{ .Release.Namespace }}")

// namespace is where config/ puts everything.
const namespace = "netlab-system"

// mark returns a new word for the object and remembers what becomes of its line.
func (t *template) mark(expand func(markedLine) string) *yaml.RNode {
	t.marks = append(t.marks, expand)
	return yaml.NewStringRNode(fmt.Sprintf("NETLABMARK%d", len(t.marks)-1))
}

// text writes the template. Every mark has to be found again.
func (t *template) text() (string, error) {
	raw, err := t.object.String()
	if err != nil {
		return "", err
	}
	found := 0
	text := marked.ReplaceAllStringFunc(quoted.Replace(raw), func(line string) string {
		found++
		m := marked.FindStringSubmatch(line)
		var index int
		fmt.Sscan(m[3], &index)
		return t.marks[index](markedLine{m[1], m[2]})
	})
	if found != len(t.marks) {
		return "", fmt.Errorf("%d of %d settings are on lines of their own:\n%s", found, len(t.marks), raw)
	}
	return text, nil
}

// apply replaces what a setting is for, and returns it: it is the setting's default.
func (t *template) apply(s setting) (*yaml.RNode, error) {
	switch s.form {
	case plain, image, whole:
		return t.replace(s)
	case flagged, denied:
		return nil, t.append(s.path[:len(s.path)-1], s.expand)
	case appended:
		return nil, t.append(s.path, s.expand)
	default:
		return nil, t.guard(s)
	}
}

// replace takes out a field. One that only some objects have may be missing.
func (t *template) replace(s setting) (*yaml.RNode, error) {
	above, field := s.path[:len(s.path)-1], s.path[len(s.path)-1]
	parent, err := t.lookUp(above)
	if err != nil {
		return nil, err
	}
	var was *yaml.RNode
	if old := parent.Field(field); old != nil {
		was = old.Value.Copy() // SetField writes into the old one
	} else if s.absent == "" {
		return nil, fmt.Errorf("there is no %s", strings.Join(s.path, "."))
	}
	return was, parent.PipeE(yaml.SetField(field, t.mark(s.expand)))
}

func (t *template) append(path []string, expand func(markedLine) string) error {
	list, err := t.lookUp(path)
	if err != nil {
		return err
	}
	return list.PipeE(yaml.Append(t.mark(expand).YNode()))
}

// guard puts a mark before a list element and one after it.
func (t *template) guard(s setting) error {
	list, err := t.lookUp(s.path[:len(s.path)-1])
	if err != nil {
		return err
	}
	element, err := t.lookUp(s.path)
	if err != nil {
		return err
	}
	begin := t.mark(func(l markedLine) string { return l.indent + "{{- if " + s.reference() + " }}" })
	end := t.mark(func(l markedLine) string { return l.indent + "{{- end }}" })
	var content []*yaml.Node
	for _, e := range list.YNode().Content {
		if e == element.YNode() {
			content = append(content, begin.YNode(), e, end.YNode())
			continue
		}
		content = append(content, e)
	}
	list.YNode().Content = content
	return nil
}

func (t *template) lookUp(path []string) (*yaml.RNode, error) {
	found, err := t.object.Pipe(yaml.Lookup(path...))
	if err == nil && found == nil {
		err = fmt.Errorf("there is no %s", strings.Join(path, "."))
	}
	return found, err
}

// reference is how templates call the value.
func (s setting) reference() string { return ".Values." + s.value }

// expand writes the lines that stand for a value in a template.
func (s setting) expand(l markedLine) string {
	flag, value := s.path[len(s.path)-1], s.reference()
	switch s.form {
	case image:
		return fmt.Sprintf(`%s%s: "{{ %s.repository }}{{ with %[3]s.digest }}@{{ . }}{{ else }}:{{ %[3]s.tag | default .Chart.AppVersion }}{{ end }}"`, l.indent, l.key, value)
	case whole:
		return l.lines("{{- with %s }}\n%s:\n  {{- toYaml . | nindent %d }}\n{{- end }}", value, l.key, len(l.indent)+2)
	case flagged:
		return l.lines("{{- if not (kindIs \"invalid\" %s) }}\n- %s={{ int64 %[1]s }}\n{{- end }}", value, flag)
	case denied:
		return l.lines("{{- if not %s }}\n- %s=false\n{{- end }}", value, flag)
	case appended:
		return l.lines("{{- with %s }}\n{{- toYaml . | nindent %d }}\n{{- end }}", value, len(l.indent))
	default:
		return l.indent + l.key + ": {{ toJson " + value + " }}"
	}
}

// lines indents text as its mark was.
func (l markedLine) lines(format string, args ...any) string {
	return l.indent + strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n"+l.indent)
}
