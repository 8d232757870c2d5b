// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/intstr"
	kyaml "sigs.k8s.io/yaml"
)

// checkFields walks the document beside the type it is to become.
func (d *Document) checkFields(into any) Problems {
	c := &checker{document: d}
	c.check(d.root, reflect.TypeOf(into), "")
	return c.problems
}

type checker struct {
	document *Document
	problems Problems
}

func (c *checker) report(n *yaml.Node, field, message, fix string) {
	c.problems = append(c.problems, Problem{File: c.document.File, Line: c.document.before + n.Line, Field: field, Message: message, Fix: fix})
}

var (
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
	intOrString = reflect.TypeFor[intstr.IntOrString]()
)

// check reports what of n cannot become a t. Null can become anything.
func (c *checker) check(n *yaml.Node, t reflect.Type, field string) {
	n = resolve(n)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Tag == "!!null" || t.Kind() == reflect.Interface:
	case t == intOrString:
		c.checkScalar(n, field, "a number or a string", reflect.Int, reflect.String)
	case reflect.PointerTo(t).Implements(unmarshaler):
	case t.Kind() == reflect.Struct:
		c.checkStruct(n, t, field)
	case t.Kind() == reflect.Map:
		c.checkMap(n, t, field)
	case t.Kind() == reflect.Slice:
		c.checkList(n, t, field)
	case t.Kind() == reflect.String:
		c.checkString(n, field)
	case t.Kind() == reflect.Bool:
		c.checkScalar(n, field, "true or false", reflect.Bool)
	default:
		c.checkNumber(n, t, field)
	}
}

func (c *checker) checkStruct(n *yaml.Node, t reflect.Type, field string) {
	if n.Kind != yaml.MappingNode {
		c.report(n, field, "is "+describe(n), "it must be a mapping of fields")
		return
	}
	known := fieldsOf(t)
	c.eachKey(n, field, func(key, value *yaml.Node, path string) {
		if of, ok := known[key.Value]; ok {
			c.check(value, of, path)
			return
		}
		c.report(key, path, "unknown field", didYouMean(key.Value, known))
	})
}

func (c *checker) checkMap(n *yaml.Node, t reflect.Type, field string) {
	if n.Kind != yaml.MappingNode {
		c.report(n, field, "is "+describe(n), "it must be a mapping")
		return
	}
	c.eachKey(n, field, func(_, value *yaml.Node, path string) { c.check(value, t.Elem(), path) })
}

// eachKey visits every key once and reports the others. A merge key (<<) stands for the keys
// of its mapping, which those written here override.
func (c *checker) eachKey(n *yaml.Node, field string, visit func(key, value *yaml.Node, path string)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			c.eachMerged(resolve(value), field, visit)
			continue
		}
		path := join(field, shorten(key.Value))
		if line, twice := seen[key.Value]; twice {
			c.report(key, path, fmt.Sprintf("duplicate field, already on line %d", c.document.before+line), "remove one of them")
			continue
		}
		seen[key.Value] = key.Line
		visit(key, value, path)
	}
}

func (c *checker) eachMerged(n *yaml.Node, field string, visit func(key, value *yaml.Node, path string)) {
	if n.Kind == yaml.SequenceNode {
		for _, one := range n.Content {
			c.eachKey(resolve(one), field, visit)
		}
		return
	}
	c.eachKey(n, field, visit)
}

func (c *checker) checkList(n *yaml.Node, t reflect.Type, field string) {
	if n.Kind != yaml.SequenceNode {
		c.report(n, field, "is "+describe(n), "it must be a list: [ … ], or lines that start with -")
		return
	}
	for i, item := range n.Content {
		c.check(item, t.Elem(), fmt.Sprintf("%s[%d]", field, i))
	}
}

// checkString tells a name that YAML takes for something else from a wrong value.
func (c *checker) checkString(n *yaml.Node, field string) {
	if n.Kind != yaml.ScalarNode {
		c.report(n, field, "is "+describe(n), "it must be a string")
		return
	}
	if value := scalar(n); kindOf(value) != reflect.String {
		key := field[strings.LastIndexByte(field, '.')+1:]
		if list, _, inList := strings.Cut(key, "["); inList {
			key = list
		}
		c.report(n, field, fmt.Sprintf("YAML reads %s as %s", shorten(n.Value), typeName(value)), fmt.Sprintf("quote it: %s: %q", key, shorten(n.Value)))
	}
}

func (c *checker) checkScalar(n *yaml.Node, field, want string, kinds ...reflect.Kind) {
	if n.Kind != yaml.ScalarNode || !slices.Contains(kinds, kindOf(scalar(n))) {
		c.report(n, field, "is "+describe(n), "it must be "+want)
	}
}

func (c *checker) checkNumber(n *yaml.Node, t reflect.Type, field string) {
	value := scalar(n)
	switch {
	case n.Kind != yaml.ScalarNode || kindOf(value) != reflect.Int:
		c.report(n, field, "is "+describe(n), "it must be a whole number")
	case reflect.Zero(t).OverflowInt(int64(value.(float64))):
		c.report(n, field, "is out of range", fmt.Sprintf("it must fit in %d bits", t.Bits()))
	}
}

// fieldsOf maps the JSON names of a struct, embedded ones included, to their types.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = f.Type
		}
	}
	return fields
}

// scalar is the value as the API server's YAML reader understands it.
func scalar(n *yaml.Node) any {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
		return n.Value
	}
	var value any
	if err := kyaml.Unmarshal([]byte(n.Value), &value); err != nil {
		return n.Value
	}
	return value
}

// kindOf is String, Bool, Int, or Float64 for a number that is not whole.
func kindOf(value any) reflect.Kind {
	if f, ok := value.(float64); ok && f == float64(int64(f)) {
		return reflect.Int
	}
	return reflect.ValueOf(value).Kind()
}

func typeName(value any) string {
	if b, ok := value.(bool); ok {
		return fmt.Sprint(b)
	}
	return "a number"
}
