// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
)

// tables are all tables of a Namespace, in the order of the dump.
var tables = []table{
	tableOf(func(n *Namespace) *map[string]Link { return &n.Links }, cmp.Compare, dumpLink),
	tableOf(func(n *Namespace) *map[string]Bridge { return &n.Bridges }, cmp.Compare, dumpBridge),
	tableOf(func(n *Namespace) *map[PortVLANKey]PortVLAN { return &n.PortVLANs }, PortVLANKey.compare, dumpPortVLAN),
	tableOf(func(n *Namespace) *map[string]Qdisc { return &n.Qdiscs }, cmp.Compare, dumpQdisc),
	tableOf(func(n *Namespace) *map[AttributeKey]string { return &n.AttributeDrift }, AttributeKey.compare, dumpAttribute),
	tableOf(func(n *Namespace) *map[AddressKey]Address { return &n.Addresses }, AddressKey.compare, dumpAddress),
	tableOf(func(n *Namespace) *map[RouteKey]Route { return &n.Routes }, RouteKey.compare, dumpRoute),
	tableOf(func(n *Namespace) *map[NeighbourKey]StaticNeighbour { return &n.Neighbours }, NeighbourKey.compare, dumpNeighbour),
}

// table is what is done to every table in the same way.
type table struct {
	// clone gives to a table of its own with the rows of from.
	clone func(to, from *Namespace)
	equal func(a, b *Namespace) bool
	// rows counts them.
	rows func(n *Namespace) int
	// changes counts the rows that one of them lacks or has with another value.
	changes func(a, b *Namespace) int
	// dump writes a sorted line per row.
	dump func(b *strings.Builder, namespace string, n *Namespace)
}

// tableOf describes the table that of returns; line is a row's line in the dump.
func tableOf[K, V comparable](of func(*Namespace) *map[K]V, compare func(a, b K) int, line func(namespace string, key K, row V) string) table {
	return table{
		clone: func(to, from *Namespace) {
			rows := make(map[K]V, len(*of(from)))
			maps.Copy(rows, *of(from))
			*of(to) = rows
		},
		equal: func(a, b *Namespace) bool { return maps.Equal(*of(a), *of(b)) },
		rows:  func(n *Namespace) int { return len(*of(n)) },
		changes: func(a, b *Namespace) int {
			return len(missing(*of(a), *of(b), compare)) + len(unwanted(*of(a), *of(b), compare))
		},
		dump: func(b *strings.Builder, namespace string, n *Namespace) {
			for _, key := range sortedKeys(*of(n), compare) {
				b.WriteString(line(namespace, key, (*of(n))[key]))
			}
		},
	}
}

// clone returns a copy that shares nothing with n, with tables that can be written to.
func (n *Namespace) clone() *Namespace {
	c := *n
	for _, t := range tables {
		t.clone(&c, n)
	}
	return &c
}

func (n *Namespace) equal(o *Namespace) bool {
	if !n.sameFile(o) || n.Settings != o.Settings {
		return false
	}
	for _, t := range tables {
		if !t.equal(n, o) {
			return false
		}
	}
	return true
}

// Equal reports whether both hold the same rows.
func (n Namespace) Equal(o Namespace) bool { return n.equal(&o) }

// Clone returns a copy that shares nothing with s.
func (s State) Clone() State {
	c := make(State, len(s))
	for name, n := range s {
		c[name] = *n.clone()
	}
	return c
}

// Equal reports whether both hold the same rows.
func (s State) Equal(o State) bool {
	for range s.differing(o) {
		return false
	}
	return true
}

// differing yields the names of the namespaces that differ, in no order.
func (s State) differing(o State) iter.Seq[string] {
	return func(yield func(name string) bool) {
		a, b := new(Namespace), new(Namespace) // once: what the tables' functions are given is on the heap
		for name := range s {
			if *a, *b = s[name], o[name]; !a.equal(b) && !yield(name) {
				return
			}
		}
		for name := range o {
			if _, compared := s[name]; compared {
				continue
			}
			if *a, *b = nothing, o[name]; !a.equal(b) && !yield(name) {
				return
			}
		}
	}
}

// Changes counts the rows that only one State has, or that they have with different values.
func (s State) Changes(o State) int {
	sum := 0
	for _, name := range namesOf(s, o) {
		a, b := s[name], o[name]
		if !a.sameFile(&b) {
			sum++
		}
		sum += a.settingChanges(&b)
		for _, t := range tables {
			sum += t.changes(&a, &b)
		}
	}
	return sum
}

// Rows counts the namespaces and the rows of their tables. Settings are not counted: their number follows from that of
// namespaces and links.
func (s State) Rows() int {
	rows := len(s)
	for _, n := range s {
		for _, t := range tables {
			rows += t.rows(&n)
		}
	}
	return rows
}

// String is the canonical dump: one sorted line per row. Two States are equal exactly
// when their dumps are.
func (s State) String() string {
	var b strings.Builder
	names := namesOf(s, nil)
	for _, name := range names {
		if n := s[name]; n.exists() {
			b.WriteString(dumpNamespace(name, n))
		}
	}
	for _, t := range tables {
		for _, name := range names {
			n := s[name]
			t.dump(&b, name, &n)
		}
	}
	for _, name := range names {
		n := s[name]
		dumpSettings(&b, name, &n)
	}
	return b.String()
}

// namesOf lists the namespaces of both, sorted.
func namesOf(a, b State) []string {
	names := slices.AppendSeq(make([]string, 0, len(a)), maps.Keys(a))
	for name := range b {
		if _, there := a[name]; !there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// sortedKeys lists a table's keys in order.
func sortedKeys[K comparable, V any](rows map[K]V, compare func(a, b K) int) []K {
	keys := slices.AppendSeq(make([]K, 0, len(rows)), maps.Keys(rows))
	slices.SortFunc(keys, compare)
	return keys
}
