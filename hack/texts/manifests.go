// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// manifests are the files with texts for users.
var manifests = []string{
	"config/crd/bases/*.yaml",
	"config/prometheus/rules.yaml",
	"config/prometheus/dashboards/*.json",
}

// chart is the folder of the Helm chart's templates, values the package that describes its values.
const (
	chart  = "hack/package/release/chart"
	values = "hack/package/release"
)

// fields hold texts for users.
var fields = []string{"description", "label", "legendFormat", "message", "runbook", "summary", "title"}

// structural fields do not appear in the place of a text.
var structural = []string{
	"annotations", "groups", "openAPIV3Schema", "panels", "properties", "rules", "schema", "spec.versions",
	"versions", "x-kubernetes-validations",
}

func (t texts) addManifests(root string) error {
	for _, pattern := range manifests {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := t.addManifest(root, file); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t texts) addManifest(root, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var object any
	if err := yaml.Unmarshal(data, &object); err != nil {
		return fmt.Errorf("parse %s: %w", file, err)
	}
	name, err := filepath.Rel(root, file)
	if err != nil {
		return err
	}
	m := manifest{t, filepath.ToSlash(name), map[string]bool{}}
	m.add(nil, object)
	return nil
}

// manifest is a file whose texts are collected, each once: many fields have the same type.
type manifest struct {
	texts
	file string
	seen map[string]bool
}

// add adds the texts below a value, with the names that lead to it.
func (m manifest) add(names []string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			text, isText := value[key].(string)
			switch {
			case isText && slices.Contains(fields, key):
				m.addText(names, text)
			case slices.Contains(structural, key):
				m.add(names, value[key])
			default:
				m.add(append(slices.Clip(names), key), value[key])
			}
		}
	case []any:
		for _, element := range value {
			m.add(append(slices.Clip(names), elementName(element)...), element)
		}
	}
}

func (m manifest) addText(names []string, text string) {
	if isProse(text) && !m.seen[text] {
		m.seen[text] = true
		m.texts.add(place{m.file, strings.Join(names, ".")}, text)
	}
}

// elementName is what identifies an element of a list, if something does.
func elementName(element any) []string {
	object, _ := element.(map[string]any)
	for _, key := range []string{"alert", "name", "title"} {
		if name, ok := object[key].(string); ok {
			return []string{name}
		}
	}
	return nil
}

// addChart adds the chart's notes and the descriptions of its values.
func (t texts) addChart(root string) error {
	notes, err := os.ReadFile(filepath.Join(root, chart, "NOTES.txt"))
	if err != nil {
		return err
	}
	t.add(place{chart, "NOTES.txt"}, string(notes))
	files, err := parse(root, values)
	if err != nil {
		return err
	}
	for _, file := range files {
		t.addFile(values, file, constantsOf(files))
	}
	return nil
}
