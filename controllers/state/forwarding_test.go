// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"encoding/json"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

func TestForwardingVerdictsSurviveJSON(t *testing.T) {
	for v := state.Forward; v <= state.Filtered; v++ {
		text, err := json.Marshal(v)
		var back state.ForwardingVerdict
		if err == nil {
			err = json.Unmarshal(text, &back)
		}
		if err != nil || back != v || len(text) < 5 {
			t.Errorf("%s becomes %s, %v", text, back, err)
		}
	}
	var v state.ForwardingVerdict
	if err := json.Unmarshal([]byte(`"Lost"`), &v); err == nil || err.Error() != `"Lost" is no forwarding verdict` {
		t.Errorf("got %v", err)
	}
}
