// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
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
}

// table is what is done to every table in the same way.
type table struct {
	// clone gives to a table of its own with the rows of from.
	clone func(to, from *Namespace)
	equal func(a, b *Namespace) bool
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

// NewNamespace returns a namespace that holds nothing and whose tables can be written to.
func NewNamespace() Namespace { return *nothing.clone() }

// nothing is a namespace that is not there.
var nothing Namespace

// clone returns a copy that shares nothing with n, with tables that can be written to.
func (n *Namespace) clone() *Namespace {
	c := *n
	for _, t := range tables {
		t.clone(&c, n)
	}
	return &c
}

func (n *Namespace) equal(o *Namespace) bool {
	if n.Mark != o.Mark || n.Mounted != o.Mounted || n.Symlink != o.Symlink || n.Settings != o.Settings {
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

// exists reports whether there is a file or a symlink of that name.
func (n *Namespace) exists() bool { return n.Mark != "" || n.Mounted || n.Symlink }

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
	for name, n := range s {
		other := o[name]
		if !n.equal(&other) {
			return false
		}
	}
	for name, n := range o {
		if _, compared := s[name]; !compared && !n.equal(&nothing) {
			return false
		}
	}
	return true
}

// Changes counts the rows that only one State has, or that they have with different values.
func (s State) Changes(o State) int {
	sum := 0
	for _, name := range namesOf(s, o) {
		a, b := s[name], o[name]
		if a.Mark != b.Mark || a.Mounted != b.Mounted || a.Symlink != b.Symlink {
			sum++
		}
		sum += a.settingChanges(&b)
		for _, t := range tables {
			sum += t.changes(&a, &b)
		}
	}
	return sum
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

// String is the canonical dump: one sorted line per row. Two States are equal exactly
// when their dumps are.
func (s State) String() string {
	var b strings.Builder
	names := namesOf(s, nil)
	for _, name := range names {
		if n := s[name]; n.exists() {
			fmt.Fprintf(&b, "namespace %s {Mark:%s Mounted:%t Symlink:%t}\n", name, n.Mark, n.Mounted, n.Symlink)
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

func dumpLink(namespace, name string, l Link) string {
	return fmt.Sprintf("link %s %s %smac=%s mtu=%d group=%d master=%q up=%t\n",
		namespace, name, l.attachment(), l.MAC, l.MTU, l.Group, l.Master, l.Up)
}

func dumpBridge(namespace, name string, b Bridge) string {
	return fmt.Sprintf("bridge %s %s %s\n", namespace, name, b)
}

func dumpPortVLAN(namespace string, k PortVLANKey, v PortVLAN) string {
	return fmt.Sprintf("vlan %s %s %d%s\n", namespace, k.Link, k.VLAN, v)
}

func dumpQdisc(namespace, name string, q Qdisc) string {
	return fmt.Sprintf("qdisc %s %s %s%s\n", namespace, name, q, q.below())
}

func dumpAttribute(namespace string, k AttributeKey, value string) string {
	return fmt.Sprintf("override %s %s %s=%s\n", namespace, k.Link, k.Attribute, value)
}

func dumpAddress(namespace string, k AddressKey, a Address) string {
	return fmt.Sprintf("address %s %s %s %s\n", namespace, k.Link, k.Prefix, a)
}

func dumpRoute(namespace string, k RouteKey, r Route) string {
	return fmt.Sprintf("route %s %s more=%d\n", namespace, routeText(k, r), r.MoreHops)
}

// sortedKeys lists a table's keys in order.
func sortedKeys[K comparable, V any](rows map[K]V, compare func(a, b K) int) []K {
	keys := slices.AppendSeq(make([]K, 0, len(rows)), maps.Keys(rows))
	slices.SortFunc(keys, compare)
	return keys
}

// unwanted lists, sorted, the keys of have that want lacks.
func unwanted[K comparable, V any](have, want map[K]V, compare func(a, b K) int) []K {
	var keys []K
	for k := range have {
		if _, ok := want[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compare)
	return keys
}

// missing lists, sorted, the keys of want that have lacks or holds with another value.
func missing[K, V comparable](have, want map[K]V, compare func(a, b K) int) []K {
	return missingAmong(have, want, compare, func(K) bool { return true })
}

// missingAmong is missing for those keys that match.
func missingAmong[K, V comparable](have, want map[K]V, compare func(a, b K) int, match func(K) bool) []K {
	var keys []K
	for k, w := range want {
		if h, ok := have[k]; (!ok || h != w) && match(k) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compare)
	return keys
}
