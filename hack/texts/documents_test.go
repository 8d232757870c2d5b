// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// root is the repository's root.
const root = "../.."

// readmeWords is how many words README.md may have, tables and code included.
const readmeWords = 2000

func TestTheReadmeIsShort(t *testing.T) {
	if n := len(strings.Fields(read(t, "README.md"))); n > readmeWords {
		t.Errorf("README.md has %d words, at most %d are allowed; move details to config/README.md or config/samples/README.md", n, readmeWords)
	}
}

var (
	quoted   = regexp.MustCompile(`"([^"]{12,})"`)
	selector = regexp.MustCompile(`--field-selector ([\w.]+)=(\w+)`)
	flagName = regexp.MustCompile(`--((?:max|compare|neighbor)-[a-z-]+)`)
	metric   = regexp.MustCompile(`netlab_\w+`)
	folder   = regexp.MustCompile(`config/[\w/-]+`)
	// elsewhere are quotations of other programs.
	elsewhere = []string{"Reconciler error", "Too many open files", "no buffer space"}
)

// A runbook quotes lines that the programs write, and selects labs by fields and reasons that there are.
func TestRunbooksSayWhatThereIs(t *testing.T) {
	rules := runbooks(t)
	programs := sources(t)
	definition := read(t, "config/crd/bases/netlab.dev_netlabs.yaml")
	quotes := quoted.FindAllStringSubmatch(rules, -1)
	for _, quote := range quotes {
		if !strings.Contains(programs, quote[1]) && !slices.Contains(elsewhere, quote[1]) {
			t.Errorf("a runbook quotes %q, which no program writes", quote[1])
		}
	}
	selectors := selector.FindAllStringSubmatch(rules, -1)
	for _, s := range selectors {
		isOurs := strings.Contains(definition, "jsonPath: ."+s[1]+"\n")
		if s[1] != "reason" && !isOurs || !strings.Contains(programs, strconv.Quote(s[2])) {
			t.Errorf("a runbook selects %s=%s, and there is no such field or reason", s[1], s[2])
		}
	}
	if len(quotes) < 5 || len(selectors) < 5 {
		t.Errorf("%d quotations, %d selectors", len(quotes), len(selectors))
	}
}

// A runbook names flags, metrics and files that there are.
func TestRunbooksNameWhatThereIs(t *testing.T) {
	rules, programs, metrics := runbooks(t), sources(t), read(t, "config/prometheus/README.md")
	flags, names, folders := flagName.FindAllStringSubmatch(rules, -1), metric.FindAllString(rules, -1), folder.FindAllString(rules, -1)
	for _, flag := range flags {
		if !strings.Contains(programs, strconv.Quote(flag[1])) {
			t.Errorf("a runbook names the flag %s, which no program has", flag[0])
		}
	}
	for _, name := range names {
		if !strings.Contains(metrics, "`"+name+"`") {
			t.Errorf("a runbook names the metric %s, which config/prometheus/README.md does not list", name)
		}
	}
	for _, path := range folders {
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Errorf("a runbook names a file that is not there: %v", err)
		}
	}
	if len(flags) < 4 || len(names) < 2 || len(folders) < 3 {
		t.Errorf("%d flags, %d metrics, %d files", len(flags), len(names), len(folders))
	}
}

// runbooks are those of all alerts in one text.
func runbooks(t *testing.T) string {
	t.Helper()
	var rules struct {
		Spec struct {
			Groups []struct {
				Rules []struct{ Annotations struct{ Runbook string } }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "config/prometheus/rules.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, group := range rules.Spec.Groups {
		for _, rule := range group.Rules {
			all = append(all, rule.Annotations.Runbook)
		}
	}
	return strings.Join(all, "\n")
}

// sources are the files of the programs in one text.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range []string{"api", "cmd", "controllers"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

var link = regexp.MustCompile(`\]\(([^()\s]+)\)`)

func TestEveryLinkResolves(t *testing.T) {
	for _, document := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(read(t, document), -1) {
			path, fragment, _ := strings.Cut(match[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := document
			if path != "" {
				target = filepath.Join(filepath.Dir(document), path)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: the target of the link %q does not exist", document, match[1])
			} else if fragment != "" && !hasHeading(read(t, target), fragment) {
				t.Errorf("%s: the target of the link %q has no such heading", document, match[1])
			}
		}
	}
}

var (
	heading     = regexp.MustCompile(`(?m)^#+ (.*)$`)
	punctuation = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// hasHeading tells whether a document has a heading that GitHub gives this anchor.
func hasHeading(text, anchor string) bool {
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		words := punctuation.ReplaceAllString(strings.ToLower(match[1]), "")
		if strings.ReplaceAll(words, " ", "-") == anchor {
			return true
		}
	}
	return false
}

var (
	makeCommand = regexp.MustCompile("(?m)(?:^    |`|&& )make ([a-z][^#`&\n]*)")
	makeTarget  = regexp.MustCompile(`(?m)^([a-z0-9.-]+):`)
	testName    = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// Each make target that a document names exists, and each STORY selects a test.
func TestEveryMakeCommandExists(t *testing.T) {
	targets := map[string]bool{}
	for _, match := range makeTarget.FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets[match[1]] = true
	}
	tests := testNames(t)
	for _, document := range documents(t) {
		for _, match := range makeCommand.FindAllStringSubmatch(read(t, document), -1) {
			for _, word := range strings.Fields(match[1]) {
				variable, value, isVariable := strings.Cut(word, "=")
				switch {
				case !isVariable && !targets[word]:
					t.Errorf("%s: make %s: the Makefile has no target %q", document, match[1], word)
				case variable == "STORY" && !matchesOne(tests, value):
					t.Errorf("%s: make %s: no test has a name that matches %q", document, match[1], value)
				}
			}
		}
	}
}

// matchesOne compares as go test -run does, without the subtests of a pattern.
func matchesOne(names []string, pattern string) bool {
	top, _, _ := strings.Cut(pattern, "/")
	for _, name := range names {
		if regexp.MustCompile(top).MatchString(name) {
			return true
		}
	}
	return false
}

func testNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range files(t, "_test.go") {
		for _, match := range testName.FindAllStringSubmatch(read(t, file), -1) {
			names = append(names, match[1])
		}
	}
	return names
}

func TestEverySampleIsListed(t *testing.T) {
	list := read(t, "config/samples/README.md")
	for _, file := range files(t, ".yaml") {
		folder, name := filepath.Split(file)
		if folder != "config/samples/" || name == "kustomization.yaml" {
			continue
		}
		if !strings.Contains(list, "("+name+")") {
			t.Errorf("config/samples/README.md does not list %s", name)
		}
	}
}

// documents are the repository's Markdown files.
func documents(t *testing.T) []string { return files(t, ".md") }

func files(t *testing.T, suffix string) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && (strings.HasPrefix(entry.Name(), ".") || path == "bin"):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(path, suffix):
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var diagnosis = regexp.MustCompile(`(?m)^✗ \S+ \(IPv4\) (.*)\n  fix: (.*)$`)

// The README shows the diagnosis that the program prints. … stands for the name of a namespace.
func TestTheReadmeShowsTheDiagnosis(t *testing.T) {
	var printed string
	for _, file := range files(t, ".txtar") {
		if strings.HasPrefix(file, "controllers/diagnose/testdata/tutorial-") {
			printed += read(t, file)
		}
	}
	shown := diagnosis.FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(shown) != 2 {
		t.Errorf("README.md shows %d diagnoses, want the tutorial's 2", len(shown))
	}
	for _, match := range shown {
		cause, fix := regexp.QuoteMeta(match[1]), strings.ReplaceAll(regexp.QuoteMeta(match[2]), "…", `\S+`)
		if !regexp.MustCompile(`(?m)^cause: ` + cause + "\nfix:   " + fix + "$").MatchString(printed) {
			t.Errorf("README.md shows a diagnosis that is in none of controllers/diagnose/testdata/tutorial-*.txtar:\n%s", match[0])
		}
	}
}
