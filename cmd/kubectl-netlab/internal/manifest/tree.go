// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// child is the value of a mapping's key, or nil; of duplicate keys the last one, which YAML readers take.
func child(n *yaml.Node, key string) (value *yaml.Node) {
	n = resolve(n)
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			value = n.Content[i+1]
		}
	}
	return value
}

// nodeAt is the node at a path like spec.links[0].subnet, or the innermost one on the way
// that is there.
func nodeAt(n *yaml.Node, path string) *yaml.Node {
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' }) {
		next := child(n, step)
		if index, isIndex := strings.CutSuffix(step, "]"); isIndex {
			next = item(n, index)
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func item(n *yaml.Node, index string) *yaml.Node {
	n = resolve(n)
	i, err := strconv.Atoi(index)
	if err != nil || n.Kind != yaml.SequenceNode || i < 0 || i >= len(n.Content) {
		return nil
	}
	return n.Content[i]
}

// same reports whether two nodes have the same content in the same order.
func same(a, b *yaml.Node) bool {
	a, b = resolve(a), resolve(b)
	return a.Kind == b.Kind && a.Tag == b.Tag && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, same)
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}

// describe names a node in a message.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return fmt.Sprintf("%q", shorten(n.Value))
	}
}

// shorten keeps a message on one screen whatever the file holds.
func shorten(text string) string {
	const longest = 80
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
