// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// values is values.yaml while it is written: settings in their order, with their documentation.
type values struct{ root *yaml.RNode }

func newValues() values { return values{yaml.NewMapRNode(nil)} }

// set gives a value its default. The first that does so counts.
func (v values) set(name, doc string, value *yaml.RNode) error {
	path := strings.Split(name, ".")
	parent, err := v.root.Pipe(yaml.LookupCreate(yaml.MappingNode, path[:len(path)-1]...))
	if err != nil || parent.Field(path[len(path)-1]) != nil {
		return err
	}
	key := yaml.NewStringRNode(path[len(path)-1])
	if doc != "" {
		key.YNode().HeadComment = "# " + doc
	}
	parent.YNode().Content = append(parent.YNode().Content, key.YNode(), value.YNode())
	return nil
}

// setImage splits REPOSITORY:TAG. The tag's default is the version of the chart's programs.
func (v values) setImage(name string, value *yaml.RNode) error {
	repository, _, tagged := strings.Cut(lastPart(value.YNode().Value), ":")
	if !tagged {
		return fmt.Errorf("the image %s has no tag", value.YNode().Value)
	}
	whole := strings.TrimSuffix(value.YNode().Value, lastPart(value.YNode().Value)) + repository
	return v.set(name, "Without a tag it is the chart's appVersion; a digest counts instead of a tag.",
		yaml.MustParse(fmt.Sprintf("repository: %s\ntag: \"\"\ndigest: \"\"\n", whole)))
}

// lastPart is an image's name without registry and organisation: a registry may have a port.
func lastPart(image string) string { return image[strings.LastIndex(image, "/")+1:] }

func (v values) yaml(version string) (string, error) {
	text, err := v.root.String()
	return "# Defaults of NetLab " + version + ".\n" + text, err
}

// schema lets Helm name a misspelled value instead of ignoring it. What Kubernetes will look at
// itself, such as resources, is not described further.
func (v values) schema() ([]byte, error) {
	var defaults map[string]any
	if err := v.root.YNode().Decode(&defaults); err != nil {
		return nil, err
	}
	described := describe(defaults, "")
	described["$schema"] = "http://json-schema.org/draft-07/schema#"
	described["properties"].(map[string]any)["global"] = map[string]any{} // what Helm hands to every subchart
	return json.MarshalIndent(described, "", "  ")
}

func describe(group map[string]any, prefix string) map[string]any {
	properties := map[string]any{}
	for key, value := range group {
		if inner, ok := value.(map[string]any); ok && !isSetting(prefix+key, whole) {
			properties[key] = describe(inner, prefix+key+".")
			continue
		}
		properties[key] = map[string]any{"type": jsonType(value)}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}

func isSetting(value string, f form) bool {
	for _, s := range settings {
		if s.value == value && s.form == f {
			return true
		}
	}
	return false
}

func jsonType(value any) any {
	switch value.(type) {
	case nil:
		return []string{"integer", "null"}
	case bool:
		return "boolean"
	case int:
		return "integer"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return "string"
	}
}
