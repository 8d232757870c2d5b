// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel"
)

const (
	gatewayMovesVariable = "NETLAB_GATEWAY_MOVES"
	defaultGatewayMoves  = 6
)

// The address that is the gateway of a LAN's hosts moves from one router to another, and both stay.
func TestNoPacketIsLostWhenAGatewayMoves(t *testing.T) {
	if kernel.Apart(t, 1) == nil {
		return
	}
	first := count(t, seedVariable, 1)
	kernel.InParallel(int(count(t, gatewayMovesVariable, defaultGatewayMoves)), crossings, func(i int) {
		t.Run(fmt.Sprint(first+uint64(i)), func(t *testing.T) {
			x := newCrossing(t, fmt.Sprintf("gateway-%d", i))
			before, after := gatewayMove(rand.New(rand.NewPCG(first+uint64(i), 0)))
			for _, r := range x.walk(t, specOf(t, before), specOf(t, after)) {
				t.Log(r)
				if reason := inherent(x.before.Want, r.ops); r.lost() > 0 || reason == onTwoNodes {
					t.Errorf("%s%s\nfrom:\n%s\nto:\n%s\nplan:\n%s", reason, r.details(), before, after, texts(r.ops))
				}
			}
			x.remove(t)
		})
	})
}

// lanRouters are those that may have the gateway's address.
var lanRouters = []string{"r1", "r2", "r3"}

// gatewayMove is a random LAN and the same with the gateway's address at another router.
func gatewayMove(g *rand.Rand) (before, after string) {
	families := []string{"4", "6", "46"}[g.IntN(3)]
	var uplinks []string
	for len(uplinks) == 0 {
		uplinks = slices.DeleteFunc(slices.Clone(lanRouters), func(string) bool { return g.IntN(3) == 0 })
	}
	holders := g.Perm(len(lanRouters))
	lan := gatewayLAN(families, uplinks, g.IntN(2) == 0)
	end := func(holder string, first bool) string {
		var b strings.Builder
		b.WriteString(lan)
		for i, router := range lanRouters {
			fmt.Fprintf(&b, "- {name: %s, endpoints: [{name: %s, addresses: [%s]}, {name: sw}]}\n", router, router, routerAddresses(families, i, router == holder, first))
		}
		return b.String()
	}
	first := g.IntN(2) == 0
	return end(lanRouters[holders[0]], first), end(lanRouters[holders[1]], g.IntN(2) == 0)
}

// routerAddresses are one of each family, and the gateway's before or behind it.
func routerAddresses(families string, i int, holds, first bool) string {
	var all []string
	for _, family := range families {
		own, gateway := fmt.Sprintf("10.1.0.%d/24", 251+i), "10.1.0.254/24"
		if family == '6' {
			own, gateway = fmt.Sprintf(`"fd00:1::%d/64"`, 1+i), `"fd00:1::fe/64"`
		}
		switch {
		case !holds:
			all = append(all, own)
		case first:
			all = append(all, gateway, own)
		default:
			all = append(all, own, gateway)
		}
	}
	return strings.Join(all, ", ")
}

// gatewayLAN is the lab but for the links of the routers to the LAN.
func gatewayLAN(families string, uplinks []string, second bool) string {
	cidrs := func(n int) string {
		var all []string
		for _, family := range families {
			all = append(all, map[rune]string{'4': fmt.Sprintf("10.%d.0.0/24", n), '6': fmt.Sprintf(`"fd00:%d::/64"`, n)}[family])
		}
		return strings.Join(all, ", ")
	}
	var routes []string
	for _, family := range families {
		routes = append(routes, map[rune]string{'4': "{to: default, via: 10.1.0.254}", '6': `{to: default, via: "fd00:1::fe"}`}[family])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "namespaces: [{name: h1, routes: [%s]}, {name: h2}, {name: far}]\n", strings.Join(routes, ", "))
	fmt.Fprintf(&b, "routers: [{name: r1}, {name: r2}, {name: r3}, {name: core}]\nswitches: [{name: sw, subnet: lan}]\nsubnets:\n")
	fmt.Fprintf(&b, "- {name: lan, cidrs: [%s]}\n- {name: far, cidrs: [%s]}\n", cidrs(1), cidrs(2))
	for i, router := range uplinks {
		fmt.Fprintf(&b, "- {name: up-%s, cidrs: [%s]}\n", router, cidrs(3+i))
	}
	b.WriteString("links:\n- {name: h1, endpoints: [{name: h1}, {name: sw}]}\n- {name: far, subnet: far, endpoints: [{name: core}, {name: far}]}\n")
	if second {
		b.WriteString("- {name: h2, endpoints: [{name: h2}, {name: sw}]}\n")
	}
	for _, router := range uplinks {
		fmt.Fprintf(&b, "- {name: up-%s, subnet: up-%s, endpoints: [{name: %s}, {name: core}]}\n", router, router, router)
	}
	return b.String()
}
