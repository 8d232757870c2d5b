// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// What run.sh has built, seen from this folder.
const (
	installManifest = "../../../bin/e2e/install.yaml"
	streamProgram   = "../../../bin/e2e/stream"
)

// long makes outages and quiet times as long as they are in the field.
var long = os.Getenv("NETLAB_E2E_LONG") != ""

func TestMain(m *testing.M) { os.Exit(tell(m)) }

// tell installs NetLab once for all stories and prints what they counted.
func tell(m *testing.M) int {
	start := time.Now()
	if err := connect(); err != nil {
		return fail(err)
	}
	if err := install(); err != nil {
		return fail(err)
	}
	fmt.Printf("installed in %s\n", time.Since(start).Round(time.Second))
	defer results.print(os.Stdout)
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}

// eitherTime is for waits whose length is a promise of its own.
func eitherTime(usually, ifLong time.Duration) time.Duration {
	if long {
		return ifLong
	}
	return usually
}
