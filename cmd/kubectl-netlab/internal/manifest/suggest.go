// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"maps"
	"slices"
	"strings"
)

// didYouMean names the known field closest to what was written, or all of them when they
// are few, or nothing.
func didYouMean[V any](written string, known map[string]V) string {
	names := slices.Sorted(maps.Keys(known))
	best, nearest := "", 1+len(written)/3
	for _, name := range names {
		if d := distance(strings.ToLower(written), strings.ToLower(name)); d <= nearest && (best == "" || d < nearest) {
			best, nearest = name, d
		}
	}
	switch {
	case best != "":
		return "did you mean " + best + "?"
	case len(names) <= 12:
		return "known here: " + strings.Join(names, ", ")
	}
	return ""
}

// distance is how many letters must be changed, added or removed (Levenshtein).
func distance(a, b string) int {
	if len(a) > maxCompared || len(b) > maxCompared {
		return maxCompared
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// maxCompared is longer than any field's name.
const maxCompared = 64
