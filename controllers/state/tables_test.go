// SPDX-License-Identifier: Apache-2.0

package state

import (
	"reflect"
	"testing"
)

// A field of Namespace that one of the walks forgets would let two States that differ look equal: whoever adds one
// adds it to tables, or to what is compared beside them.
func TestEveryFieldOfANamespaceIsWalked(t *testing.T) {
	for i := range reflect.TypeFor[Namespace]().NumField() {
		changed, field := NewNamespace(), reflect.TypeFor[Namespace]().Field(i).Name
		if rows := reflect.ValueOf(changed).Field(i); rows.Kind() == reflect.Map && rows.IsNil() {
			t.Errorf("NewNamespace does not make %s", field)
			continue
		}
		fill(t, reflect.ValueOf(&changed).Elem().Field(i))
		before, after := State{"a": NewNamespace()}, State{"a": changed}
		before["a"], after["a"] = there(before["a"]), there(after["a"])
		if before.Equal(after) || before["a"].Equal(after["a"]) {
			t.Errorf("Equal does not see %s", field)
		}
		if before.String() == after.String() {
			t.Errorf("the dump does not show %s", field)
		}
		if n := before.Changes(after); n == 0 || n != after.Changes(before) {
			t.Errorf("Changes counts %d for %s", n, field)
		}
		clone := after.Clone()
		if !clone.Equal(after) {
			t.Errorf("Clone loses %s", field)
		}
		if rows := reflect.ValueOf(changed).Field(i); rows.Kind() == reflect.Map && rows.Pointer() == reflect.ValueOf(clone["a"]).Field(i).Pointer() {
			t.Errorf("Clone shares %s", field)
		}
	}
}

// there makes a namespace one that is in the dump.
func there(n Namespace) Namespace {
	n.Symlink = !n.Symlink
	return n
}

// fill gives a field a value: a table a row, an array its first item.
func fill(t *testing.T, field reflect.Value) {
	t.Helper()
	switch field.Kind() {
	case reflect.Map:
		key, row := reflect.New(field.Type().Key()).Elem(), reflect.New(field.Type().Elem()).Elem()
		field.SetMapIndex(key, row)
	case reflect.Array:
		fill(t, field.Index(0))
	case reflect.String:
		field.SetString("x")
	case reflect.Bool:
		field.SetBool(true)
	case reflect.Int32:
		field.SetInt(1)
	default:
		t.Fatalf("a field is %s", field.Type())
	}
}
