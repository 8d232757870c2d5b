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

// An agent that stops leaves its labs running, and the one that comes after it, of whatever
// version, looks at them and changes nothing.
func TestAnAgentThatIsReplacedLeavesItsLabsAlone(t *testing.T) {
	c := newCluster(t)
	kubectl(t, "apply", "-f", sample("routed-pair"))
	waitFor(t, "routed-pair", "Ready")
	before := linkIdentity(t)
	for name, end := range map[string]func(){"stopped": func() { c.agent.stop() }, "killed": func() { c.agent.kill() }} {
		end()
		ip(t, "netns exec default.routed-pair.ns1 ping -c 1 -W 2 198.51.100.1")
		c.startAgent()
		eventually(t, 10*time.Second, "the new agent has looked at the lab twice", func() error {
			if looks := metric(t, "netlab_converge_seconds_count"); looks < 2 {
				return fmt.Errorf("%v times", looks)
			}
			return nil
		})
		if after := linkIdentity(t); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%s: links changed over a restart: %v, then %v", name, before, after)
		}
		if ops := metric(t, "netlab_operations_total"); ops != 0 {
			t.Errorf("%s: the new agent made %v kernel operations on a lab that was right", name, ops)
		}
	}
}
