// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
)

// What people write where a value with a unit, a prefix length or another notation belongs, as YAML.
var nearMisses = []string{`0.05`, `5`, `"5"`, `-1`, `70000`, `"10.1.0.9"`, `fd00::9`, `10.1.0.9/24`, `10.1.0.9/0`, `y`, `null`, `nope`, `enabled`}

var (
	quotedFix  = regexp.MustCompile(`^quote it: [\w.-]+: ("[^"]*")$`)
	unitFix    = regexp.MustCompile(`^add the unit, such as [\w.-]+: (\S+)$`)
	suchAs     = regexp.MustCompile(`(?:such as|^write) ([^\s,]+)(?:, [^\s,]+)*(?: or ([^\s,]+))?$`)
	oneOfNames = regexp.MustCompile(`^write one of [^:]+: ([\w.-]+(?:, [\w.-]+)*)$`)
	rangeFix   = regexp.MustCompile(`^write (-?\d+) to (-?\d+)(?:, or remove it)?$`)
	wordsFix   = regexp.MustCompile(`^write ((?:[A-Z]\w+)(?:,? (?:or )?[A-Z]\w+)+)(?:, or remove it)?$`)
	// needsUnit matches what a fix must not leave although it is named.
	needsUnit = regexp.MustCompile(`^write a (percentage|duration|rate)`)
	words     = regexp.MustCompile(`[A-Z]\w+`)
)

// valuesOf are the values that a fix offers.
func valuesOf(fix string) []string {
	for _, one := range []*regexp.Regexp{quotedFix, unitFix} {
		if m := one.FindStringSubmatch(fix); m != nil {
			return m[1:]
		}
	}
	if m := rangeFix.FindStringSubmatch(fix); m != nil {
		return m[1:]
	}
	if m := oneOfNames.FindStringSubmatch(fix); m != nil {
		return strings.Split(m[1], ", ")
	}
	if m := wordsFix.FindStringSubmatch(fix); m != nil {
		return words.FindAllString(m[1], -1)
	}
	if m := suchAs.FindStringSubmatch(fix); m != nil && strings.ContainsAny(m[1], "0123456789") {
		return slices.DeleteFunc(m[1:], func(s string) bool { return s == "" })
	}
	return nil
}

// A fix that offers values offers one that is right: each value of each field is replaced by near misses, and one of the
// values of each fix leaves no problem of that field that lint has not named already.
func TestNoFixLeadsToTheNextError(t *testing.T) {
	tried := 0
	all := spots(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		spot := all[name]
		if !spot.scalar {
			continue
		}
		for _, miss := range nearMisses {
			fixes := spot.fixesOf(t, miss)
			right := func(value string) bool {
				return !slices.ContainsFunc(spot.fixesOf(t, value), func(next string) bool {
					return !slices.Contains(fixes, next) || needsUnit.MatchString(next)
				})
			}
			for _, fix := range fixes {
				offered := valuesOf(fix)
				if len(offered) == 0 {
					continue
				}
				tried++
				if !slices.ContainsFunc(offered, right) {
					t.Errorf("%s: %s: of the offered values %q, the next error is %s", spot.field(), miss, offered, spot.fixesOf(t, offered[0]))
				}
			}
		}
	}
	if tried < 200 {
		t.Errorf("only %d fixes were tried", tried)
	}
}

// fixesOf are the fixes of the field's problems with another value, as YAML.
func (s aSpot) fixesOf(t *testing.T, value string) (fixes []string) {
	t.Helper()
	var lab map[string]any
	if err := yaml.Unmarshal([]byte(s.lab), &lab); err != nil {
		t.Fatal(err)
	}
	const place = "the value"
	alterAt(lab, s.steps, func(parent, last any) any { return with(parent, last, place) })
	text, err := json.Marshal(lab)
	if err != nil {
		t.Fatal(err)
	}
	err = manifestProblems(strings.Replace(string(text), `"`+place+`"`, value, 1))
	problems, _ := errors.AsType[manifest.Problems](err)
	for _, p := range problems {
		if p.Field == s.field() {
			fixes = append(fixes, cmp.Or(p.Fix, p.Message))
		}
	}
	return fixes
}

// manifestProblems are all that lint says at once.
func manifestProblems(text string) error {
	_, err := manifest.Check([]string{manifest.Stdin}, manifest.Options{Stdin: strings.NewReader(text)})
	return err
}

// field is the path as lint writes it.
func (s aSpot) field() string {
	path := ""
	for _, step := range s.steps {
		if i, isIndex := step.(int); isIndex {
			path += fmt.Sprintf("[%d]", i)
		} else {
			path += "." + step.(string)
		}
	}
	return strings.TrimPrefix(path, ".")
}
