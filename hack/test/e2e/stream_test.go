// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"
)

// tally is what hack/test/e2e/stream says of a stream.
type tally struct {
	Sent, Received, Lost, Duplicates uint64
	LongestGap                       time.Duration `json:"longestGapNanoseconds"`
}

// path is two hosts of a lab, and where the second one listens.
type path struct{ from, to, address string }

// pairPath is the tutorial's, from one end of a routed pair to the other.
var pairPath = path{"ns1", "ns2", "198.51.100.1:7000"}

// stream is 1,000 numbered packets a second.
type stream struct{ sender, receiver *companion }

func startStream(t *testing.T, node, tenant, lab string, p path) *stream {
	t.Helper()
	program, err := filepath.Abs(streamProgram)
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{}
	s.receiver = startIn(t, node, tenant+"."+lab+"."+p.to, program, "receive", p.address)
	if said := s.receiver.line(t); said != "listening\n" {
		t.Fatalf("the receiver says %q", said)
	}
	s.sender = startIn(t, node, tenant+"."+lab+"."+p.from, program, "send", p.address)
	return s
}

// end stops the sender and returns what the receiver counted.
func (s *stream) end(t *testing.T) tally {
	t.Helper()
	s.sender.stdin.Close() //nolint:errcheck // what follows says whether it heard
	s.sender.line(t)
	var counted tally
	if err := json.Unmarshal([]byte(s.receiver.line(t)), &counted); err != nil {
		t.Fatal(err)
	}
	return counted
}
