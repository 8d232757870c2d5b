// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/reason"
)

// eachReason builds the labs that have a reason by themselves, at the same time, and finds their reasons.
func eachReason(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: each-reason")
	}
	folder := ts.MkAbs("labs")
	ts.Check(os.Mkdir(folder, 0o755))
	var labs []reason.Reason
	for _, r := range reason.All() {
		if r.Lab == "" || r.ShownBy != "" || (r.Needs != "") != fullKernel {
			continue
		}
		labs = append(labs, r)
		ts.Check(ts.Exec("sh", "-euc", r.Before))
		ts.Check(os.WriteFile(filepath.Join(folder, r.Name+".yaml"), []byte(r.Lab), 0o600))
	}
	ts.Check(ts.Exec("sh", "-euc", `for lab in "$0"/*; do kubectl-netlab --local up -f "$lab" >"$lab.out" 2>&1 & done; wait`, folder))
	for _, r := range labs {
		built := ts.ReadFile(filepath.Join(folder, r.Name+".yaml.out"))
		if !hasReason(ts, r, built) {
			ts.Fatalf("the lab of %s has another reason:\n%s\n%s", r.Name, built, ts.ReadFile("stdout"))
		}
		ts.Check(ts.Exec("sh", "-euc", r.Afterwards))
	}
	ts.Check(ts.Exec("kubectl-netlab", "--local", "down", "--all"))
}

// hasReason reads what up has printed, or the status: after further commands, and where the lab is Ready.
func hasReason(ts *testscript.TestScript, r reason.Reason, built string) bool {
	var l v1alpha1.NetLab
	ts.Check(yaml.Unmarshal([]byte(r.Lab), &l))
	ready := !slices.ContainsFunc(r.Conditions, func(c reason.Condition) bool { return c.Status != "True" })
	if r.After == "" && !ready {
		return strings.Contains(built, "default/"+l.Name+" is not Ready: "+r.Name+"\n")
	}
	ts.Check(ts.Exec("sh", "-euc", r.After))
	_ = ts.Exec("kubectl-netlab", "--local", "status", l.Name, "-o", "json")
	return strings.Contains(ts.ReadFile("stdout"), `"reason": "`+r.Name+`"`)
}
