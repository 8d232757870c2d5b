// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// kills is how often the whole agent is killed; every single operation is done one level down,
// in controllers/kernel.
const kills = 10

// The agent is killed at sampled moments of building the lab and of removing it; the one that
// comes after it brings the lab to the same end, and removes it without a trace.
func TestAKilledAgentLeavesNothingHalfDone(t *testing.T) {
	c := newCluster(t)
	moments := rand.New(rand.NewPCG(1, 2))
	for range kills {
		delay := time.Duration(moments.Int64N(int64(60 * time.Millisecond)))
		t.Logf("killed %s after apply and after delete", delay.Round(time.Millisecond))
		kubectl(t, "apply", "-f", sample("routed-pair"))
		c.killAgentAfter(delay)
		c.startAgent()
		waitFor(t, "routed-pair", "Ready")
		ip(t, "netns exec default.routed-pair.ns1 ping -c 1 -W 2 198.51.100.1")
		kubectl(t, "delete", "-f", sample("routed-pair"), "--wait=false")
		c.killAgentAfter(delay)
		c.startAgent()
		eventually(t, 30*time.Second, "nothing is left", nothingLeft)
	}
}

func (c *cluster) killAgentAfter(d time.Duration) {
	time.Sleep(d)
	c.agent.kill()
}

// An agent that stops leaves its labs running.
func TestAStoppedAgentLeavesItsLabsRunning(t *testing.T) {
	c := newCluster(t)
	kubectl(t, "apply", "-f", sample("routed-pair"))
	waitFor(t, "routed-pair", "Ready")
	before := linkIdentity(t)
	c.agent.stop()
	ip(t, "netns exec default.routed-pair.ns1 ping -c 1 -W 2 198.51.100.1")
	c.startAgent()
	time.Sleep(time.Second)
	if after := linkIdentity(t); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("links changed over a restart: %v, then %v", before, after)
	}
	if ops := metric(t, "netlab_operations_total"); ops != 0 {
		t.Errorf("the new agent made %v kernel operations on a lab that was right", ops)
	}
}
