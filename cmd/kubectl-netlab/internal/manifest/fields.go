// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/intstr"
	kyaml "sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// checkFields walks the document together with its Go type and its JSON. It returns the readable part of
// the JSON, in which misspelt names and misread scalars are corrected where the fix is unambiguous.
func (d *Document) checkFields(asJSON []byte) (Problems, []byte) {
	var value any
	if err := json.Unmarshal(asJSON, &value); err != nil {
		return Problems{d.problem("", shorten(err.Error()), "")}, nil
	}
	c := &checker{document: d, renamed: map[string]string{}}
	kept := c.check(d.root, value, reflect.TypeFor[v1alpha1.NetLab](), &schema{Properties: map[string]*schema{"spec": specSchema()}}, "")
	d.gaps, d.renamed = c.gaps, c.renamed
	readable, err := json.Marshal(kept)
	if err != nil {
		c.report(d.root, "", err.Error(), "")
	}
	return c.problems, readable
}

type checker struct {
	document *Document
	problems Problems
	gaps     []gap
	renamed  map[string]string
	// trying: only what is wrong with the value itself counts.
	trying bool
}

func (c *checker) report(n *yaml.Node, field, message, fix string) {
	c.problems = append(c.problems, Problem{File: c.document.File, Line: c.document.before + n.Line, Field: field, Message: message, Fix: fix})
}

// unread reports a value that cannot be read, and returns none.
func (c *checker) unread(n *yaml.Node, field, message, fix string) any {
	c.report(n, field, message, fix)
	c.gaps = append(c.gaps, gap{field: field})
	return nil
}

// trial checks a value under another field, without reporting.
func (c *checker) trial(n *yaml.Node, value any, t reflect.Type, s *schema, field string) *checker {
	try := &checker{document: c.document, renamed: map[string]string{}, trying: true}
	try.check(n, value, t, s, field)
	return try
}

var (
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
	intOrString = reflect.TypeFor[intstr.IntOrString]()
)

// check reports where n does not fit type t, and returns the readable part of its JSON value. Null fits
// every type. s is nil outside our schema.
func (c *checker) check(n *yaml.Node, value any, t reflect.Type, s *schema, field string) (kept any) {
	n = resolve(n)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Tag == "!!null" || t.Kind() == reflect.Interface:
	case t == intOrString:
		return c.checkScalar(n, value, field, "a number or a string", reflect.Int, reflect.String)
	case reflect.PointerTo(t).Implements(unmarshaler):
	case t.Kind() == reflect.Struct:
		return c.checkStruct(n, value, t, s, field)
	case t.Kind() == reflect.Map:
		return c.checkMap(n, value, t, field)
	case t.Kind() == reflect.Slice:
		return c.checkList(n, value, t, s, field)
	case t.Kind() == reflect.String:
		return c.checkString(n, value, s, field)
	case t.Kind() == reflect.Bool:
		return c.checkBool(n, value, field)
	default:
		return c.checkNumber(n, value, t, field)
	}
	return value
}

func (c *checker) checkStruct(n *yaml.Node, value any, t reflect.Type, s *schema, field string) any {
	if n.Kind != yaml.MappingNode {
		return c.unread(n, field, "is "+describe(n), "write a mapping of fields")
	}
	known, fields, unknown := fieldsOf(t), mapping(value), map[string]bool{}
	c.eachKey(n, field, func(key, value *yaml.Node, path string) {
		name := key.Value
		of, ok := known[name]
		if !ok {
			if !unknown[name] {
				c.unknown(key, value, fields, known, s, field)
			}
			unknown[name] = true
			return
		}
		c.keep(fields, name, c.check(value, fields[name], of, s.property(name), path))
	})
	return fields
}

// keep replaces a field's value, and removes one that could not be read.
func (c *checker) keep(fields map[string]any, name string, kept any) {
	if kept == nil {
		delete(fields, name)
	} else if _, there := fields[name]; there {
		fields[name] = kept
	}
}

// unknown reads a field under the nearest known name. If there is none, every absent field that could
// hold the value becomes a gap.
func (c *checker) unknown(key, value *yaml.Node, fields map[string]any, known map[string]reflect.Type, s *schema, field string) {
	written := fields[key.Value]
	meant := nearest(key.Value, known)
	c.report(key, join(field, shorten(key.Value)), "unknown field", didYouMean(meant, known))
	delete(fields, key.Value)
	if c.trying {
		return
	}
	if _, there := fields[meant]; meant != "" && !there && c.fits(value, written, known[meant], s.property(meant), join(field, meant)) {
		c.renamed[join(field, meant)] = join(field, key.Value)
		fields[meant] = written
		c.keep(fields, meant, c.check(value, written, known[meant], s.property(meant), join(field, meant)))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		path := join(field, name)
		if _, there := fields[name]; !there && c.fits(value, written, known[name], s.property(name), path) &&
			(s.property(name) == nil || len(s.property(name).verify(written, path)) == 0) {
			c.gaps = append(c.gaps, gap{field: path})
		}
	}
}

// fits reports whether a value is of a type, whatever is wrong inside it.
func (c *checker) fits(n *yaml.Node, value any, t reflect.Type, s *schema, field string) bool {
	return !slices.ContainsFunc(c.trial(n, value, t, s, field).problems, func(p Problem) bool { return p.Field == field })
}

func (c *checker) checkMap(n *yaml.Node, value any, t reflect.Type, field string) any {
	if n.Kind != yaml.MappingNode {
		return c.unread(n, field, "is "+describe(n), "write a mapping")
	}
	fields := mapping(value)
	c.eachKey(n, field, func(key, value *yaml.Node, path string) {
		c.keep(fields, key.Value, c.check(value, fields[key.Value], t.Elem(), nil, path))
	})
	return fields
}

// eachKey visits every key in order, duplicates included, and reports the duplicates. A merge key (<<)
// stands for the keys of its mapping, which keys of this mapping override.
func (c *checker) eachKey(n *yaml.Node, field string, visit func(key, value *yaml.Node, path string)) {
	type pair struct{ key, value *yaml.Node }
	seen := map[string]pair{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			c.eachMerged(resolve(value), field, visit)
			continue
		}
		path := join(field, shorten(key.Value))
		before, twice := seen[key.Value]
		if twice {
			c.report(key, path, fmt.Sprintf("duplicate field, already on line %d", c.document.before+before.key.Line), "remove one of them")
			if !same(before.value, value) {
				c.gaps = append(c.gaps, gap{field: path, kept: true})
			}
			seen[key.Value] = pair{before.key, value}
		} else {
			seen[key.Value] = pair{key, value}
		}
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

// checkList keeps a place for an unreadable item, so that the indices of the others stay right.
func (c *checker) checkList(n *yaml.Node, value any, t reflect.Type, s *schema, field string) any {
	if n.Kind != yaml.SequenceNode {
		return c.unread(n, field, "is "+describe(n), "write a list: [ … ], or lines that start with -")
	}
	list, _ := value.([]any)
	list = append(list, make([]any, max(0, len(n.Content)-len(list)))...)
	for i, item := range n.Content {
		if resolve(item).Tag == "!!null" && s.items() != nil {
			c.unread(item, fmt.Sprintf("%s[%d]", field, i), "is null", "write "+kinds[s.Items.Type]+", or remove it")
			continue
		}
		list[i] = c.check(item, list[i], t.Elem(), s.items(), fmt.Sprintf("%s[%d]", field, i))
	}
	return list
}

// checkString distinguishes a string that YAML reads as another type from a wrong value.
func (c *checker) checkString(n *yaml.Node, value any, s *schema, field string) any {
	if n.Kind != yaml.ScalarNode {
		return c.unread(n, field, "is "+describe(n), "write a string")
	}
	read := scalar(n)
	if kindOf(read) == reflect.String {
		return value
	}
	if s != nil && len(s.Enum) > 0 && !slices.Contains(s.Enum, n.Value) {
		return c.unread(n, field, "is "+describe(n), "write "+strings.Join(s.Enum, " or "))
	}
	key := field[strings.LastIndexByte(field, '.')+1:]
	if list, _, inList := strings.Cut(key, "["); inList {
		key = list
	}
	meant, fix := withUnit(n.Value, s), fmt.Sprintf("quote it: %s: %q", key, shorten(n.Value))
	if meant != n.Value {
		fix = fmt.Sprintf("add the unit, such as %s: %s", key, meant)
	}
	said := fmt.Sprintf("YAML reads %s as %s", shorten(n.Value), typeName(read))
	if s != nil && s.Pattern != nil && !s.Pattern.MatchString(meant) {
		return c.unread(n, field, said, "write a value that matches "+s.Pattern.String())
	}
	c.report(n, field, said, fix)
	return meant
}

// units are those that a number without one most likely has.
var units = []string{"%", "ms", "Mbit"}

// withUnit adds a unit to a number if the schema refuses the number and takes it with the unit.
func withUnit(number string, s *schema) string {
	if s == nil || s.Pattern == nil || s.Pattern.MatchString(number) {
		return number
	}
	for _, unit := range units {
		if s.Pattern.MatchString(number + unit) {
			return number + unit
		}
	}
	return number
}

func (c *checker) checkScalar(n *yaml.Node, value any, field, want string, kinds ...reflect.Kind) any {
	if n.Kind != yaml.ScalarNode || !slices.Contains(kinds, kindOf(scalar(n))) {
		return c.unread(n, field, "is "+describe(n), "write "+want)
	}
	return value
}

func (c *checker) checkBool(n *yaml.Node, value any, field string) any {
	if n.Kind == yaml.ScalarNode && (n.Value == "true" || n.Value == "false") && kindOf(scalar(n)) != reflect.Bool {
		c.report(n, field, "is "+describe(n), "write true or false, without quotes")
		return n.Value == "true"
	}
	return c.checkScalar(n, value, field, "true or false", reflect.Bool)
}

func (c *checker) checkNumber(n *yaml.Node, value any, t reflect.Type, field string) any {
	read := scalar(n)
	meant, err := strconv.ParseInt(n.Value, 10, 64)
	switch {
	case n.Kind == yaml.ScalarNode && kindOf(read) == reflect.String && err == nil && !reflect.Zero(t).OverflowInt(meant):
		c.report(n, field, "is "+describe(n), "write a whole number, without quotes")
		return float64(meant)
	case n.Kind != yaml.ScalarNode || kindOf(read) != reflect.Int:
		return c.unread(n, field, "is "+describe(n), "write a whole number")
	case reflect.Zero(t).OverflowInt(int64(read.(float64))):
		return c.unread(n, field, "is out of range", fmt.Sprintf("write a number of at most %d bits", t.Bits()))
	}
	return value
}

// mapping is never nil.
func mapping(value any) map[string]any {
	if fields, ok := value.(map[string]any); ok {
		return fields
	}
	return map[string]any{}
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

// scalar is the value as the API server's YAML reader reads it.
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
