// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	kyaml "sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/config/crd"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// schema is a part of the API server's schema, with the keywords that ours uses. The checker checks
// types, and lab.Validate repeats the CEL rules.
type schema struct {
	Type                 string             `json:"type"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties *schema            `json:"additionalProperties"`
	Items                *schema            `json:"items"`
	Required             []string           `json:"required"`
	Enum                 []string           `json:"enum"`
	Pattern              *regexp.Regexp     `json:"pattern"`
	Minimum              *float64           `json:"minimum"`
	Maximum              *float64           `json:"maximum"`
	MinLength            int                `json:"minLength"`
	MaxLength            *int               `json:"maxLength"`
	MinItems             int                `json:"minItems"`
	MaxItems             *int               `json:"maxItems"`
	ListType             string             `json:"x-kubernetes-list-type"`
	ListKeys             []string           `json:"x-kubernetes-list-map-keys"`
}

// specSchema is that of a NetLab's spec.
var specSchema = sync.OnceValue(func() *schema {
	var definition struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema schema `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := kyaml.Unmarshal(crd.NetLabs, &definition); err != nil {
		panic(err) // it is compiled in
	}
	return definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
})

// verify collects what the schema refuses of a value, fields in alphabetical order. A null counts as
// left out, as for the API server, but in a list.
func (s *schema) verify(value any, field string) (problems lab.Problems) {
	refuse := func(fix, message string, args ...any) {
		problems = append(problems, lab.Problem{Field: field, Message: fmt.Sprintf(message, args...), Fix: fix})
	}
	switch value := value.(type) {
	case nil:
		refuse("write "+kinds[s.Type]+", or remove it", "is null")
	case map[string]any:
		return s.verifyFields(value, field)
	case []any:
		return s.verifyItems(value, field)
	case string:
		s.verifyString(value, refuse)
	case float64:
		if s.Minimum != nil && value < *s.Minimum || s.Maximum != nil && value > *s.Maximum {
			refuse("write "+s.bounds()+", or remove it", "is %.0f", value)
		}
	}
	return problems
}

// property and items are nil where there is no schema.
func (s *schema) property(name string) *schema {
	if s == nil {
		return nil
	}
	return s.Properties[name]
}

func (s *schema) items() *schema {
	if s == nil {
		return nil
	}
	return s.Items
}

var kinds = map[string]string{"object": "a mapping of fields", "array": "a list", "string": "a string", "integer": "a whole number", "boolean": "true or false"}

func (s *schema) bounds() string {
	switch {
	case s.Maximum == nil:
		return fmt.Sprintf("at least %.0f", *s.Minimum)
	case s.Minimum == nil:
		return fmt.Sprintf("at most %.0f", *s.Maximum)
	}
	return fmt.Sprintf("%.0f to %.0f", *s.Minimum, *s.Maximum)
}

func (s *schema) verifyFields(value map[string]any, field string) (problems lab.Problems) {
	for _, name := range s.Required {
		if value[name] == nil {
			problems = append(problems, lab.Problem{Field: join(field, name), Message: "is missing"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(value)) {
		of := cmp.Or(s.Properties[name], s.AdditionalProperties)
		if of != nil && value[name] != nil {
			problems = append(problems, of.verify(value[name], join(field, name))...)
		}
	}
	return problems
}

func (s *schema) verifyItems(list []any, field string) (problems lab.Problems) {
	if most := s.MaxItems; len(list) < s.MinItems || most != nil && len(list) > *most {
		fix := fmt.Sprintf("write at least %d", s.MinItems)
		if most != nil {
			fix = fmt.Sprintf("write %d to %d", s.MinItems, *most)
		}
		problems = append(problems, lab.Problem{Field: field, Message: fmt.Sprintf("has %d entries", len(list)), Fix: fix})
	}
	seen := map[string]int{}
	for i, item := range list {
		path := fmt.Sprintf("%s[%d]", field, i)
		identity := s.identity(item)
		if first, twice := seen[identity]; twice && identity != "" {
			problems = append(problems, lab.Problem{Field: path, Message: fmt.Sprintf("repeats %s[%d]", field, first), Fix: "remove one of them"})
		}
		seen[identity] = i
		problems = append(problems, s.Items.verify(item, path)...)
	}
	return problems
}

// identity is what may be only once in a list; empty where anything may be there again.
func (s *schema) identity(item any) string {
	switch fields, _ := item.(map[string]any); {
	case s.ListType == "set":
		return fmt.Sprintf("%#v", item)
	case s.ListType == "map" && fields != nil:
		var keys []string
		for _, key := range s.ListKeys {
			keys = append(keys, fmt.Sprintf("%#v", fields[key]))
		}
		return strings.Join(keys, " ")
	}
	return ""
}

func (s *schema) verifyString(value string, refuse func(fix, message string, args ...any)) {
	length := len([]rune(value))
	switch {
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, value):
		refuse("write "+strings.Join(s.Enum, " or ")+", or remove it", "is %q", shorten(value))
	case value == "" && (s.MinLength > 0 || s.Pattern != nil && !s.Pattern.MatchString("")):
		refuse("write a value, or remove the field", "is empty")
	case s.MaxLength != nil && length > *s.MaxLength:
		refuse(fmt.Sprintf("write at most %d", *s.MaxLength), "has %d characters", length)
	case s.Pattern != nil && !s.Pattern.MatchString(value):
		refuse("write a value that matches "+s.Pattern.String(), "is %q", shorten(value))
	}
}

// Validate returns the problems of the lab, with lines: those that lab.Validate finds, and those of the
// API server's schema in the document as it is written, because a decoded lab no longer tells an explicit
// zero from an absent field. It leaves out problems that may follow from an unread field or from an
// element that cannot be built.
func (d Document) Validate() Problems {
	found := lab.Validate(d.Lab)
	for _, p := range d.refusedBySchema() {
		same := func(said lab.Problem) bool {
			return said.Field == p.Field || strings.HasPrefix(said.Field, p.Field+".")
		}
		if !slices.ContainsFunc(found, same) {
			found = append(found, p)
		}
	}
	return d.Locate(d.withoutFollowUps(found))
}

func (d Document) refusedBySchema() lab.Problems {
	var written struct {
		Spec any `json:"spec"`
	}
	if err := json.Unmarshal(d.json, &written); err != nil {
		return lab.Problems{{Message: err.Error()}}
	}
	if written.Spec == nil { // as good as an empty one
		return nil
	}
	return specSchema().verify(written.Spec, "spec")
}
