// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestRuled(t *testing.T) {
	strict := rule{ListMode: "strict"}
	denies := func(pkg string) rule {
		r := rule{ListMode: "lax"}
		r.Deny = append(r.Deny, struct {
			Pkg string `json:"pkg"`
		}{pkg})
		return r
	}
	of := func(r rule, files ...string) rule {
		r.Files = files
		return r
	}
	for name, test := range map[string]struct {
		rule   rule
		folder string
		want   bool
	}{
		"a list":                     {of(strict, "**/a/*.go", "!$test"), "a", true},
		"another folder's":           {of(strict, "**/a/*.go"), "b", false},
		"not its children":           {of(strict, "**/a/*.go"), "a/b", false},
		"with its children":          {of(strict, "**/a/**/*.go"), "a/b", true},
		"several folders":            {of(strict, "**/{a,b}/*.go"), "b", true},
		"a common end":               {of(strict, "**/a/*.go"), "xa", false},
		"all files, of no folder":    {of(strict, "$all"), "a", false},
		"all files of an exclusion":  {of(strict, "$all", "!**/b/*.go"), "a", false},
		"an exclusion":               {of(strict, "**/a/**/*.go", "!**/a/b/*.go"), "a/b", false},
		"denies one of the module's": {of(denies("m/x"), "**/a/*.go"), "a", true},
		"denies one of others":       {of(denies("os/exec"), "**/a/*.go"), "a", false},
	} {
		if got := ruled([]rule{test.rule}, "m", test.folder); got != test.want {
			t.Errorf("%s: %q with files %q has a rule: %v, want %v", name, test.folder, test.rule.Files, got, test.want)
		}
	}
}
