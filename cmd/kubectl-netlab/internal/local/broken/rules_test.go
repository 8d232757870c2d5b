// SPDX-License-Identifier: Apache-2.0

package broken

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
)

// Variables that make the test of random policy rules longer, or repeat one seed.
const (
	ruleLabsVariable = "NETLAB_RULE_LABS"
	ruleSeedVariable = "NETLAB_RULE_SEED"
)

// Random policy rules with random tables break a chain of routers. Every cause names one of them, and the commands of
// the fixes, one after the other, delete what is in the way: at most as many as there are rules.
func TestEveryRandomPolicyRuleIsNamed(t *testing.T) {
	first := variable(t, ruleSeedVariable, 0)
	labs := 1
	if first == 0 {
		labs = variable(t, ruleLabsVariable, 24)
	}
	for seed := first; seed < first+labs; seed++ {
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
			t.Parallel()
			breakByRules(t, seed)
		})
	}
}

func breakByRules(t *testing.T, seed int) {
	machine, err := theMachine()
	if err != nil {
		t.Fatal(err)
	}
	s := &scenario{T: t, machine: machine, sections: map[string]string{}, pasted: map[string]bool{}}
	s.lab = s.read(fmt.Sprintf("rules-%d", seed), "chain.yaml")
	t.Cleanup(func() { _, _ = machine.Down(context.Background(), "default", s.lab.Name) })
	_, err = machine.Up(t.Context(), s.lab)
	s.must(err)
	g := ruleGenerator{random: rand.New(rand.NewPCG(uint64(seed), 1))}
	for range 1 + g.random.IntN(3) {
		g.add()
	}
	script := append(g.routes, g.rules...) // by a rule that is there the kernel may refuse a route's gateway
	s.paste(strings.Join(script, "\n"))
	s.deleteRules(len(g.rules), script)
}

// deleteRules follows fixes until every probe passes.
func (s *scenario) deleteRules(most int, script []string) {
	for range most + 1 {
		status := s.calm(s.status())
		fixes := s.failures(status)
		if len(fixes) == 0 {
			return
		}
		for _, p := range status.Probes {
			if !p.Passed() && !strings.Contains(p.Message, "policy rule") {
				s.Errorf("no rule is named\n%s\nrules\n%s", s.output.String(), strings.Join(script, "\n"))
				return
			}
		}
		s.pasteEach(status)
	}
	s.Errorf("after %d fixes:\n%s\nrules\n%s", most, s.output.String(), strings.Join(script, "\n"))
}

func (s *scenario) pasteEach(status *local.Status) {
	for _, p := range status.Probes {
		if !p.Passed() {
			s.paste("set +e\n" + commandIn(p.Fix))
		}
	}
}

// ruleGenerator makes commands that add rules and routes of their tables to nodes of chain.yaml.
type ruleGenerator struct {
	random        *rand.Rand
	routes, rules []string
}

func (g *ruleGenerator) pick(list ...string) string { return list[g.random.IntN(len(list))] }

// ends are the networks and next hops of the chain by family.
var ends = map[string]struct{ left, right, first, last string }{
	"-4": {"10.1.0.0/24", "10.2.0.0/24", "10.1.0.1", "10.2.0.1"},
	"-6": {"fd00:1::/64", "fd00:2::/64", "fd00:1::1", "fd00:2::1"},
}

// gateways are what a node of the chain may send packets to, right or wrong.
var gateways = map[string]map[string][]string{
	"-4": {
		"h1": {"10.1.0.254", "10.1.0.77"}, "r1": {"10.1.0.1", "10.0.0.253", "10.0.0.77"},
		"r2": {"10.0.0.254", "10.2.0.1", "10.2.0.77"}, "h2": {"10.2.0.254", "10.2.0.77"},
	},
	"-6": {
		"h1": {"fd00:1::fe", "fd00:1::77"}, "r1": {"fd00:1::1", "fd00:0::fd", "fd00:0::77"},
		"r2": {"fd00:0::fe", "fd00:2::1", "fd00:2::77"}, "h2": {"fd00:2::fe", "fd00:2::77"},
	},
}

var interfaces = map[string][]string{"h1": {"left"}, "r1": {"left", "mid"}, "r2": {"mid", "right"}, "h2": {"right"}}

// add makes a rule, with a table if it leads to one.
func (g *ruleGenerator) add() {
	node, family := g.pick("h1", "r1", "r2", "h2"), g.pick("-4", "-6")
	table, e := 100+len(g.rules), ends[family]
	selectors := []string{g.pick("", "", "not ") + "from " + g.pick("all", e.left, e.right, e.first, e.last)}
	selectors = append(selectors, g.pick("", "to "+e.left, "to "+e.right, "to "+e.last, "to "+e.first))
	selectors = append(selectors, g.pick("", "", "iif "+g.pick(append(interfaces[node], "lo")...)))
	selectors = append(selectors, g.pick("", "", "", "uidrange 0-0", "uidrange 1000-2000", "fwmark 0x7", "fwmark 0/0xf", "tos 0x10"))
	selectors = append(selectors, g.pick("", "", "", "ipproto tcp", "ipproto "+map[string]string{"-4": "icmp", "-6": "ipv6-icmp"}[family]))
	action := g.pick("prohibit", "blackhole", "unreachable", "goto 32767", "lookup", "lookup", "lookup", "lookup")
	if action == "lookup" {
		action = fmt.Sprintf("lookup %d %s", table, g.pick("", "", "suppress_prefixlength 0"))
		route := g.pick("default", e.left, e.right)
		if kind := g.pick("", "", "blackhole ", "unreachable ", "prohibit ", "throw "); kind != "" {
			route = kind + route
		} else {
			route += " via " + g.pick(gateways[family][node]...)
		}
		g.routes = append(g.routes, fmt.Sprintf("ip %s -n $%s route add %s table %d", family, node, route, table))
	}
	if family == "-6" && strings.HasPrefix(action, "goto") {
		action = "goto 32766"
	}
	priority := g.pick("50", "100", "100", "200", "32000")
	g.rules = append(g.rules, fmt.Sprintf("ip %s -n $%s rule add %s %s pref %s", family, node, strings.Join(selectors, " "), action, priority))
}
