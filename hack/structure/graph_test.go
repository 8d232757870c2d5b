// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"reflect"
	"slices"
	"testing"
)

func TestLevels(t *testing.T) {
	for name, test := range map[string]struct {
		imports graph
		want    map[string]int
	}{
		"nothing":            {graph{}, map[string]int{}},
		"no import":          {graph{"a": nil}, map[string]int{"a": 1}},
		"a chain":            {graph{"a": {"b"}, "b": {"c"}, "c": nil}, map[string]int{"a": 3, "b": 2, "c": 1}},
		"the longest counts": {graph{"a": {"b", "c"}, "b": {"c"}, "c": nil}, map[string]int{"a": 3, "b": 2, "c": 1}},
		"two tops":           {graph{"a": {"c"}, "b": {"c"}, "c": nil}, map[string]int{"a": 2, "b": 2, "c": 1}},
	} {
		if got := test.imports.levels(); !maps.Equal(got, test.want) {
			t.Errorf("%s: levels are %v, want %v", name, got, test.want)
		}
	}
}

func TestUpward(t *testing.T) {
	for name, test := range map[string]struct {
		imports graph
		want    []edge
	}{
		"a parent":           {graph{"a/b": {"a"}}, []edge{{"a/b", "a"}}},
		"a grandparent":      {graph{"a/b/c": {"a"}}, []edge{{"a/b/c", "a"}}},
		"a child":            {graph{"a": {"a/b"}}, nil},
		"a sibling":          {graph{"a/b": {"a/c"}}, nil},
		"a common beginning": {graph{"a/bc": {"a/b"}}, nil},
		"sorted":             {graph{"x/z": {"x"}, "x/y": {"x"}}, []edge{{"x/y", "x"}, {"x/z", "x"}}},
	} {
		if got := test.imports.upward(); !slices.Equal(got, test.want) {
			t.Errorf("%s: upward imports are %v, want %v", name, got, test.want)
		}
	}
}

func TestKnotsAndPairs(t *testing.T) {
	for name, test := range map[string]struct {
		references graph
		knots      [][]string
		pairs      []edge
	}{
		"a chain":         {graph{"a": {"b"}, "b": {"c"}, "c": nil}, nil, nil},
		"a pair":          {graph{"b": {"a"}, "a": {"b"}}, [][]string{{"a", "b"}}, []edge{{"a", "b"}}},
		"a ring":          {graph{"a": {"b"}, "b": {"c"}, "c": {"a"}}, [][]string{{"a", "b", "c"}}, nil},
		"a tail":          {graph{"a": {"b"}, "b": {"a"}, "c": {"a"}}, [][]string{{"a", "b"}}, []edge{{"a", "b"}}},
		"the largest 1st": {graph{"a": {"b"}, "b": {"a"}, "x": {"y"}, "y": {"z"}, "z": {"x"}}, [][]string{{"x", "y", "z"}, {"a", "b"}}, []edge{{"a", "b"}}},
		"two rings in one": {graph{"a": {"b", "c"}, "b": {"a"}, "c": {"a"}}, [][]string{{"a", "b", "c"}},
			[]edge{{"a", "b"}, {"a", "c"}}},
	} {
		if got := test.references.knots(); !reflect.DeepEqual(got, test.knots) {
			t.Errorf("%s: knots are %v, want %v", name, got, test.knots)
		}
		if got := test.references.mutual(); !slices.Equal(got, test.pairs) {
			t.Errorf("%s: pairs are %v, want %v", name, got, test.pairs)
		}
	}
}

func TestQuantile(t *testing.T) {
	for _, test := range []struct {
		sorted []int
		q      float64
		want   int
	}{
		{nil, 0.5, 0},
		{[]int{7}, 0.9, 7},
		{[]int{1, 2}, 0.5, 2},
		{[]int{1, 2, 3}, 0, 1},
		{[]int{1, 2, 3}, 0.5, 2},
		{[]int{1, 2, 3}, 1, 3},
		{[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 0.9, 10},
	} {
		if got := quantile(test.sorted, test.q); got != test.want {
			t.Errorf("quantile %v of %v is %d, want %d", test.q, test.sorted, got, test.want)
		}
	}
}
