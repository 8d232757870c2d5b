// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"strings"
)

var (
	word = regexp.MustCompile(`^\p{L}[\p{L}'’/-]*$`)
	verb = regexp.MustCompile(`%[-+# 0-9.\[\]*]*[a-zA-Z]|^\{.*\}$`)
)

// isProse tells a text for people from identifiers, paths, formats and scripts: it has at least two words, or
// one word and a format verb.
func isProse(text string) bool {
	words, verbs := 0, 0
	for _, field := range strings.Fields(text) {
		switch field = strings.Trim(field, `.,:;!?()"'“”`); {
		case word.MatchString(field):
			words++
		case verb.MatchString(field):
			verbs++
		}
	}
	return words > 0 && words+verbs > 1
}

// isTemplate tells a script that expands variables of a shell, or a template of package text/template, from a
// text for people.
func isTemplate(text string) bool {
	return strings.Contains(text, `"$`) || strings.Contains(text, "$(") || strings.Contains(text, "{{")
}
