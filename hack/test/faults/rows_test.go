// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// rowFault changes or deletes any row of the lab's State, or adds one, and makes the kernel hold that. It knows
// the types of columns and nothing else of the tables.
func (x *trial) rowFault() (fault, bool) {
	seen, err := x.k.Observe(x.ctx, x.id, x.lab.Want)
	if err != nil || len(seen.Conflicts) > 0 {
		return fault{}, false
	}
	damaged := seen.State.Clone()
	namespace := pick(x, x.namespaces())
	what, ok := x.damage(damaged, namespace)
	if !ok {
		return fault{}, false
	}
	ops := state.Diff(seen.State, damaged)
	repair := state.Diff(damaged, seen.State)
	if len(ops) == 0 {
		return fault{}, false
	}
	if _, err := x.k.Apply(x.ctx, ops); err != nil {
		return fault{}, x.restart()
	}
	f := fault{what: what + ": " + joined(ops)}
	f.follows(ops, repair)
	f.kind = "row " + strings.Fields(what)[0]
	return f, true
}

func joined(ops []state.Op) string {
	var list []string
	for _, op := range ops {
		list = append(list, op.String())
	}
	return strings.Join(list, "; ")
}

// tokens are the words of operations that name an object.
func tokens(ops []state.Op) (list []string) {
	for _, op := range ops {
		for _, w := range strings.Fields(op.String()) {
			_, err := strconv.Atoi(w)
			known := slices.Contains([]string{
				"ip", "-n", "netns", "exec", "sysctl", "-qw", "link", "set", "add", "delete", "replace", "dev", "via", "proto", "name", "type", "route",
				"address", "metric", "group", "peer", "up", "down", "src", "lo", "tc", "qdisc", "root", "on", "off", "default", "change", "unicast",
				"neigh", "lladdr", "nud", "permanent", "protocol",
			}, w)
			if err == nil || known || strings.HasPrefix(w, "default.") {
				continue
			}
			w, _, _ = strings.Cut(w, "=")
			list = append(list, w)
			if p, err := netip.ParsePrefix(w); err == nil {
				list = append(list, p.Masked().String(), p.Addr().String())
			}
		}
		if _, ok := op.(state.ReplaceRoute); ok {
			list = append(list, "default", "route")
		}
		if _, ok := op.(state.DeleteRoute); ok {
			list = append(list, "default", "route")
		}
		if _, ok := op.(state.SetMTU); ok {
			list = append(list, "MTU")
		}
	}
	return list
}

// damage changes one thing of a namespace: a row of a table, or a setting.
func (x *trial) damage(s state.State, namespace string) (what string, ok bool) {
	n := s[namespace]
	var tables []reflect.Value
	v := reflect.ValueOf(&n).Elem()
	names := map[int]string{}
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Map && f.Len() > 0 {
			names[len(tables)] = v.Type().Field(i).Name
			tables = append(tables, f)
		}
	}
	if x.chance(15) || len(tables) == 0 {
		what, ok = x.damageSettings(v.FieldByName("Settings"))
		s[namespace] = n
		return "Settings " + what, ok
	}
	at := x.IntN(len(tables))
	table := tables[at]
	keys := table.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	key := keys[x.IntN(len(keys))]
	if fmt.Sprint(key) == state.Loopback && x.chance(80) {
		return "", false
	}
	row := reflect.New(table.Type().Elem()).Elem()
	row.Set(table.MapIndex(key))
	switch kind := x.IntN(10); {
	case kind < 3:
		table.SetMapIndex(key, reflect.Value{})
		what = "deleted"
	case kind < 5 && key.Kind() == reflect.Struct:
		other := reflect.New(key.Type()).Elem()
		other.Set(key)
		what, ok = x.change(s, other)
		if !ok {
			return "", false
		}
		if x.chance(50) {
			table.SetMapIndex(key, reflect.Value{})
			what += " (moved)"
		}
		table.SetMapIndex(other, row)
	default:
		what, ok = x.change(s, row)
		if !ok {
			return "", false
		}
		table.SetMapIndex(key, row)
	}
	return fmt.Sprintf("%s %v %s", names[at], key, what), true
}

// change gives one column another value.
func (x *trial) change(s state.State, row reflect.Value) (what string, ok bool) {
	if row.Kind() != reflect.Struct {
		return "", false
	}
	i := x.IntN(row.NumField())
	f := row.Field(i)
	if !f.CanSet() {
		return "", false
	}
	before := fmt.Sprint(f.Interface())
	if !x.value(s, f) || fmt.Sprint(f.Interface()) == before {
		return "", false
	}
	return fmt.Sprintf("%s %s->%v", row.Type().Field(i).Name, before, f.Interface()), true
}

// value gives a value another one of its type that occurs in the lab.
func (x *trial) value(s state.State, f reflect.Value) bool {
	switch old := f.Interface().(type) {
	case netip.Addr:
		f.Set(reflect.ValueOf(x.anyAddress(s, old)))
	case netip.Prefix:
		bits := old.Bits() + pick(x, []int{-8, -1, 1, 2, 8})
		p := netip.PrefixFrom(x.anyAddress(s, old.Addr()), min(max(bits, 1), old.Addr().BitLen()))
		if x.chance(50) {
			p = netip.PrefixFrom(old.Addr(), p.Bits())
		}
		if old == old.Masked() && old.Bits() < old.Addr().BitLen() {
			p = p.Masked()
		}
		f.Set(reflect.ValueOf(p))
	case state.MAC:
		f.Set(reflect.ValueOf(x.anyMAC(s)))
	case bool:
		f.SetBool(!old)
	case string:
		f.SetString(pick(x, x.linkNames(s)))
	case state.LinkSettings:
		_, ok := x.damageSettings(f)
		return ok
	default:
		return x.number(s, f)
	}
	return true
}

// number changes a number, or a part of what has parts.
func (x *trial) number(s state.State, f reflect.Value) bool {
	switch f.Kind() {
	case reflect.Uint8: // an enumeration, or a protocol
		f.SetUint(pick(x, []uint64{0, 1, 2, 3, 4}))
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		f.SetUint(pick(x, []uint64{0, 1, 2, 3, f.Uint() + 1, f.Uint() * 10, 50}))
	case reflect.Int, reflect.Int32, reflect.Int64:
		f.SetInt(pick(x, []int64{0, 1, f.Int() + 1, f.Int() - 1, f.Int() / 2, 600, 1280, 9000}))
	case reflect.Struct:
		i := x.IntN(f.NumField())
		return f.Field(i).CanSet() && x.value(s, f.Field(i))
	case reflect.Array:
		return f.Len() > 0 && x.value(s, f.Index(0))
	default:
		return false
	}
	return true
}

// damageSettings changes one of the settings that there are.
func (x *trial) damageSettings(f reflect.Value) (what string, ok bool) {
	i := x.IntN(f.Len())
	old := f.Index(i).Interface().(state.Value)
	if old == state.Absent {
		return "", false
	}
	value := state.ValueOf(pick(x, []int{0, 1, 2, 8}))
	f.Index(i).Set(reflect.ValueOf(value))
	return fmt.Sprintf("%d %s->%s", i, old, value), value != old
}

func (x *trial) anyAddress(s state.State, like netip.Addr) netip.Addr {
	var all []netip.Prefix
	for id := range s.Addresses() {
		if id.Prefix.Addr().Is4() == like.Is4() || !like.IsValid() {
			all = append(all, id.Prefix)
		}
	}
	if len(all) == 0 {
		return like
	}
	sortPrefixes(all)
	p := pick(x, all)
	if x.chance(20) {
		return x.unused(p)
	}
	return p.Addr()
}

func (x *trial) anyMAC(s state.State) state.MAC {
	all := []state.MAC{{2, 0, 0, 0, 0xaa, byte(x.IntN(200))}}
	for _, l := range s.Links() {
		if l.MAC != (state.MAC{}) {
			all = append(all, l.MAC)
		}
	}
	slices.SortFunc(all, func(a, b state.MAC) int { return strings.Compare(a.String(), b.String()) })
	return pick(x, all)
}

func (x *trial) linkNames(s state.State) []string {
	names := []string{"", "zz"}
	for id := range s.Links() {
		names = append(names, id.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, s, false
}
