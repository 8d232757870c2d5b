// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"strings"
	"testing"
)

// A row is the outcomes of attempts, R for a reply, F for a full neighbour table, N for none and S for no socket, and the
// verdict after each: Pass, Unknown, Fail by their first letters.
func TestAContestedNeighbourTableFlipsNoVerdict(t *testing.T) {
	for _, c := range []struct{ what, outcomes, verdicts string }{
		{"one reply proves", "RNNR", "PPPP"},
		{"a full table for a moment", "RFFRFR", "PPPPPP"},
		{"a full table", "RFFFF", "PPPUU"},
		{"a contested one", "RFFFRFRRFRFFF", "PPPUUUUUUUUUU"},
		{"one with room again", "RFFFRRRFR", "PPPUUUPPP"},
		{"no reply with room again", "RFFFNNN", "PPPUUUF"},
		{"contested from the first attempt", "FFFRRFRRR", "UUUUUUUUP"},
		{"no socket", "RSSSR", "PPPUP"},
	} {
		j := newJudge(Spec{FailureThreshold: 3})
		var verdicts strings.Builder
		for _, o := range c.outcomes {
			verdict := j.weigh(map[rune]Outcome{'R': Reply, 'F': NoBuffer, 'N': NoReply, 'S': SocketError}[o])
			verdicts.WriteString(map[Verdict]string{Pass: "P", Fail: "F", Unknown: "U"}[verdict])
		}
		if got := verdicts.String(); got != c.verdicts {
			t.Errorf("%s: after %s the verdicts are %s, want %s", c.what, c.outcomes, got, c.verdicts)
		}
		if !j.settled() {
			t.Errorf("%s: the next attempt follows at once", c.what)
		}
	}
}
