// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/capture"
)

// Reply is a part of an answer. One field is set.
type Reply struct {
	// Version is the server's; it comes first.
	Version string `json:"version,omitempty"`
	// Progress is the current step.
	Progress     string            `json:"progress,omitempty"`
	Attempt      *ask.Attempt      `json:"attempt,omitempty"`
	Explanations []ask.Explanation `json:"explanations,omitempty"`
	PingAll      *ask.PingAll      `json:"pingAll,omitempty"`
	Capture      *capture.Summary  `json:"capture,omitempty"`
	Journey      *capture.Journey  `json:"journey,omitempty"`
	// Error is why the answer is missing or incomplete.
	Error string `json:"error,omitempty"`
}

// The verbs.
const (
	verbExplain = "explain"
	verbPing    = "ping"
	verbPingAll = "pingall"
	verbCapture = "capture"
)
