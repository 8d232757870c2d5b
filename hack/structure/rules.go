// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// lint is what is read of .golangci.yml.
type lint struct {
	Linters struct {
		Settings struct {
			Depguard struct {
				Rules map[string]rule `json:"rules"`
			} `json:"depguard"`
		} `json:"settings"`
	} `json:"linters"`
}

type rule struct {
	ListMode string   `json:"list-mode"`
	Files    []string `json:"files"`
	Deny     []struct {
		Pkg string `json:"pkg"`
	} `json:"deny"`
}

func readRules(root string) ([]rule, error) {
	content, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		return nil, fmt.Errorf("read the rules of imports: %w", err)
	}
	var l lint
	if err := yaml.Unmarshal(content, &l); err != nil {
		return nil, fmt.Errorf("read the rules of imports: %w", err)
	}
	var rules []rule
	for _, r := range l.Linters.Settings.Depguard.Rules {
		rules = append(rules, r)
	}
	return rules, nil
}

// ruled reports whether one of the rules says what the package of a folder may import.
func ruled(rules []rule, module, folder string) bool {
	return slices.ContainsFunc(rules, func(r rule) bool { return r.directs(module) && r.covers(folder) })
}

// directs reports whether the rule lists what may be imported, or denies packages of the module.
func (r rule) directs(module string) bool {
	if r.ListMode == "strict" {
		return true
	}
	for _, d := range r.Deny {
		if strings.HasPrefix(d.Pkg, module) {
			return true
		}
	}
	return false
}

// covers reports whether the rule is about the files of a folder.
func (r rule) covers(folder string) bool {
	covered := false
	for _, pattern := range r.Files {
		excluded := strings.HasPrefix(pattern, "!")
		if pattern = strings.TrimPrefix(pattern, "!"); strings.HasPrefix(pattern, "$") {
			continue // $all is no folder's own rule, $test about files that are not counted
		}
		if !glob(pattern).MatchString("/" + folder + "/file.go") {
			continue
		}
		if excluded {
			return false
		}
		covered = true
	}
	return covered
}

// glob turns a pattern of depguard into a regular expression: ** is any text, * is any without a slash.
func glob(pattern string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(quoted, `\*\*`, `.*`)
	quoted = strings.ReplaceAll(quoted, `\*`, `[^/]*`)
	quoted = strings.NewReplacer(`\{`, `(?:`, `\}`, `)`, `,`, `|`).Replace(quoted)
	return regexp.MustCompile("^" + quoted + "$")
}
