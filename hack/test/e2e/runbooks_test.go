// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// Each command of kubectl in a runbook runs in a cluster with a lab.
func TestCommandsOfRunbooksRun(t *testing.T) {
	s := beginBeside(t)
	ns := tenant(t, "runbooks")
	createReady(t, routedPair(t, ns, "lab"))
	fill := strings.NewReplacer("{{ $labels.lab_namespace }}", ns, "{{ $labels.lab }}", "lab", "{{ $labels.node }}", nodes(t)[0])
	ran := 0
	for alert, runbook := range runbooks(t) {
		for _, command := range commandsOf(fill.Replace(runbook)) {
			if slices.Equal(command, []string{"kubectl", "netlab", "explain"}) { // of a lab that was listed before
				command = append(command, "-n", ns, "lab")
			}
			if _, err := try(command[0], command[1:]...); err != nil {
				t.Errorf("%s: %v", alert, err)
			}
			ran++
		}
	}
	s.counted("%d commands of runbooks ran", ran)
	if ran < 10 {
		t.Error("the runbooks have more commands than these")
	}
}

// runbooks are those of all alerts.
func runbooks(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../../config/prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Spec struct {
			Groups []struct {
				Rules []struct {
					Alert       string
					Annotations struct{ Runbook string }
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, group := range rules.Spec.Groups {
		for _, rule := range group.Rules {
			all[rule.Alert] = rule.Annotations.Runbook
		}
	}
	return all
}

// afterCommand are the words that follow a command in a sentence.
var afterCommand = []string{"lists", "list", "shows", "show", "names", "the", "and", "then"}

// commandsOf are the commands of kubectl in a text. A word of the sentence, or its punctuation, ends one.
func commandsOf(text string) (commands [][]string) {
	var open []string
	end := func() {
		if len(open) > 1 {
			commands = append(commands, open)
		}
		open = nil
	}
	for word := range strings.FieldsSeq(text) {
		bare := strings.TrimRight(word, ",.;:")
		if word == "kubectl" || slices.Contains(afterCommand, word) {
			end()
		}
		if word == "kubectl" || open != nil {
			open = append(open, bare)
		}
		if bare != word {
			end()
		}
	}
	end()
	return commands
}
