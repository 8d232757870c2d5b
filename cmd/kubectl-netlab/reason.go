// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/controllers/reason"
)

func (a *app) reasonCommand() *cobra.Command {
	output := newChoice("text", "json", "yaml")
	var manifest bool
	cmd := &cobra.Command{
		Use:   "reason [NAME]",
		Short: "Show what a reason of a condition means, a lab that has it, and the fix",
		Long: `Show what a reason of a condition means, a lab that has it, and the fix. Without NAME, list all reasons.

It needs neither a cluster nor root. With --lab, print only the lab, to be built:
kubectl netlab reason NoReturnRoute --lab | kubectl netlab --local up -f -`,
		Example: `  kubectl netlab reason
  kubectl netlab reason ForwardingDisabled`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.verb(func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && manifest {
				return errors.New("--lab needs the name of a reason")
			}
			if len(args) == 0 {
				return a.print(output.value, reason.All(), a.printReasons)
			}
			return a.reason(args[0], manifest, output.value)
		}),
		ValidArgsFunction: completeReason,
	}
	cmd.Flags().BoolVar(&manifest, "lab", false, "print only the lab that has the reason")
	outputFlag(cmd, output)
	return cmd
}

func completeReason(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, r := range reason.All() {
		names = append(names, r.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) reason(name string, manifest bool, output string) error {
	r, found := reason.Find(name)
	switch {
	case !found:
		return fmt.Errorf("no reason is named %s; kubectl netlab reason lists all", name)
	case manifest && r.Lab == "":
		return fmt.Errorf("no lab has the reason %s by itself: it depends on the cluster", r.Name)
	case manifest:
		fmt.Fprint(a.out, r.Lab)
		return nil
	}
	return a.print(output, r, func() { a.printReason(r) })
}

func (a *app) printReasons() {
	a.table(func(w io.Writer) {
		fmt.Fprintln(w, "NAME\tCONDITIONS")
		for _, r := range reason.All() {
			fmt.Fprintf(w, "%s\t%s\n", r.Name, conditionsOf(r))
		}
	})
}

func conditionsOf(r reason.Reason) string {
	var list []string
	for _, c := range r.Conditions {
		list = append(list, c.String())
	}
	return strings.Join(list, " ")
}

func (a *app) printReason(r reason.Reason) {
	fmt.Fprintf(a.out, "%s\n\nConditions: %s\n", wrapped(r.Meaning), conditionsOf(r))
	if r.Fix != "" {
		fmt.Fprintf(a.out, "\n%s\n", wrapped("Fix: "+r.Fix))
	}
	if r.Lab == "" {
		return
	}
	fmt.Fprintln(a.out, "\nExample:")
	if r.Needs != "" {
		fmt.Fprintf(a.out, "it needs a kernel with %s\n", r.Needs)
	}
	for _, part := range []struct{ when, commands string }{{"before it is built", r.Before}, {"after it is built", r.After}} {
		if part.commands != "" {
			fmt.Fprintf(a.out, "%s: %s\n", part.when, strings.ReplaceAll(part.commands, "\n", "; "))
		}
	}
	fmt.Fprintf(a.out, "\n%s", r.Lab)
}

// wrapped breaks a text between words into lines of at most 100 characters.
func wrapped(text string) string {
	const width = 100
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case column+1+len(word) > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

// printSee names the command that explains the causes, each once.
func (a *app) printSee(causes []string) {
	slices.Sort(causes)
	for _, name := range slices.Compact(causes) {
		if _, known := reason.Find(name); known {
			fmt.Fprintf(a.out, "see:   kubectl netlab reason %s\n", name)
		}
	}
}
