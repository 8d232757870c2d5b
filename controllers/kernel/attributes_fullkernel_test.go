// SPDX-License-Identifier: Apache-2.0

//go:build fullkernel

package kernel_test

import (
	_ "embed"
	"testing"
)

//go:embed testdata/edits_fullkernel.txt
var expectedFullKernelEdits string

// The rows of the table of edits that need VLANs and netem.
func TestEveryEditOfVLANsAndImpairmentsDisturbsOnlyWhatItNames(t *testing.T) {
	e := &editor{k: newMachine(t), netem: true}
	e.mustEdit(t, fullKernelEdits, expectedFullKernelEdits, "testdata/edits_fullkernel.txt")
}
