// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"maps"
	"slices"
	"strings"
)

// nearest is the known field closest to what was written, empty if none is close.
func nearest[V any](written string, known map[string]V) string {
	best, least := "", 1+len(written)/3
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if d := distance(strings.ToLower(written), strings.ToLower(name)); d <= least && (best == "" || d < least) {
			best, least = name, d
		}
	}
	return best
}

// didYouMean names the nearest field, or all that are known when they are few, or nothing.
func didYouMean[V any](nearest string, known map[string]V) string {
	switch {
	case nearest != "":
		return "did you mean " + nearest + "?"
	case len(known) <= 12:
		return "known here: " + strings.Join(slices.Sorted(maps.Keys(known)), ", ")
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
