// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	texttemplate "text/template"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// chartFiles are the parts of the chart that are written by hand.
//
//go:embed chart
var chartFiles embed.FS

// chart writes netlab-VERSION.tgz and returns its path.
func (r release) chart() (string, error) {
	files, err := r.chartContent()
	if err != nil {
		return "", err
	}
	data, err := pack(files)
	if err != nil {
		return "", err
	}
	path := filepath.Join(r.out, "netlab-"+strings.TrimPrefix(r.semver(), "v")+".tgz")
	return path, os.WriteFile(path, data, 0o644)
}

// chartContent is everything in the chart, by path.
func (r release) chartContent() ([]packed, error) {
	objects, err := r.build("overlays/monitored")
	if err != nil {
		return nil, err
	}
	defaults := newValues()
	var files []packed
	for _, object := range objects.Resources() {
		if object.GetKind() == "Namespace" { // Helm makes it: --create-namespace
			continue
		}
		text, err := objectTemplate(&object.RNode, defaults)
		if err != nil {
			return nil, fmt.Errorf("template %s/%s: %w", object.GetKind(), object.GetName(), err)
		}
		name := strings.ToLower("netlab/templates/" + object.GetKind() + "-" + object.GetName() + ".yaml")
		files = append(files, packed{name, 0o644, []byte(text)})
	}
	rest, err := r.chartFrame(defaults)
	return append(rest, files...), err
}

// chartFrame is what is around the templates. Chart.yaml comes first, for tools that stop there.
func (r release) chartFrame(defaults values) ([]packed, error) {
	for _, c := range conditions {
		if err := defaults.set(c.value, c.doc, yaml.NewScalarRNode(fmt.Sprint(c.enabled))); err != nil {
			return nil, err
		}
	}
	valuesYAML, err := defaults.yaml(r.version)
	if err != nil {
		return nil, err
	}
	schema, err := defaults.schema()
	if err != nil {
		return nil, err
	}
	files := []packed{}
	for source, target := range map[string]string{"Chart.yaml": "Chart.yaml", "README.md": "README.md", "NOTES.txt": "templates/NOTES.txt"} {
		content, err := r.fill("chart/" + source)
		if err != nil {
			return nil, err
		}
		files = append(files, packed{"netlab/" + target, 0o644, content})
	}
	return append(files,
		packed{"netlab/values.yaml", 0o644, []byte(valuesYAML)},
		packed{"netlab/values.schema.json", 0o644, schema},
	), nil
}

// fill writes versions into a file that is written by hand. Its own braces are [[ ]], since {{ }}
// are Helm's.
func (r release) fill(name string) ([]byte, error) {
	t, err := texttemplate.New(filepath.Base(name)).Delims("[[", "]]").ParseFS(chartFiles, name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]string{
		"Version": r.version, "ChartVersion": strings.TrimPrefix(r.semver(), "v"), "Home": home, "Namespace": namespace,
	})
	return out.Bytes(), err
}

// objectTemplate writes an object as a template and adds what its settings default to.
func objectTemplate(object *yaml.RNode, defaults values) (string, error) {
	t := &template{object: object}
	for _, s := range settings {
		if s.object != object.GetKind()+"/"+object.GetName() {
			continue
		}
		if err := applySetting(t, s, defaults); err != nil {
			return "", fmt.Errorf("%s: %w", s.value, err)
		}
	}
	if object.GetKind() == "CustomResourceDefinition" {
		if err := object.PipeE(yaml.SetAnnotation("helm.sh/resource-policy", "keep")); err != nil {
			return "", err
		}
	}
	text, err := t.text()
	return conditional(object.GetKind(), object.GetName(), text), err
}

func applySetting(t *template, s setting, defaults values) error {
	was, err := t.apply(s)
	switch {
	case err != nil:
		return err
	case s.form == guarding:
		return nil
	case s.form == image:
		return defaults.setImage(s.value, was)
	case was == nil:
		was = yaml.MustParse(s.absent)
	}
	return defaults.set(s.value, s.doc, was)
}

func conditional(kind, name, text string) string {
	for _, c := range conditions {
		if c.holds(kind, name) {
			return "{{- if .Values." + c.value + " }}\n" + text + "{{- end }}\n"
		}
	}
	return text
}
