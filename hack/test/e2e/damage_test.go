// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"maps"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// handDamage is a change by hand of a routed pair's node, and the reason that Reachable then has.
type handDamage struct {
	lab, node, do, undo, reason string
	// event is what the kernel's event is about, by which an agent learns of it.
	event string
	// repairable: the change is drift, so Realized tells of it too.
	repairable bool
}

// The kinds of handDamage.event.
const (
	ofTheLab = "event about the lab"
	ofOthers = "event about a rule, neighbour or filter"
	noEvent  = "no event"
)

var damages = []handDamage{
	{lab: "link-down", node: "router", do: "ip link set l2 down", undo: "ip link set l2 up", reason: v1alpha1.ReasonLinkDown, event: ofTheLab, repairable: true},
	{lab: "no-route", node: "ns1", do: "ip route delete default", undo: "ip route add default via 192.0.2.254 proto 78", reason: v1alpha1.ReasonNetworkUnreachable, event: ofTheLab, repairable: true},
	{lab: "no-forwarding", node: "router", do: "sysctl -qw net.ipv4.ip_forward=0", undo: "sysctl -qw net.ipv4.ip_forward=1", reason: v1alpha1.ReasonForwardingDisabled, event: ofTheLab, repairable: true},
	{lab: "own-address", node: "ns1", do: "ip address add 198.51.100.1/32 dev lo", undo: "ip address delete 198.51.100.1/32 dev lo", reason: v1alpha1.ReasonDuplicateAddress, event: ofTheLab, repairable: true},
	{lab: "blackhole", node: "router", do: "ip route add blackhole 198.51.100.1", undo: "ip route delete blackhole 198.51.100.1", reason: v1alpha1.ReasonRouteRejects, event: ofTheLab},
	{lab: "rule", node: "router", do: "ip rule add to 198.51.100.1 prohibit pref 100", undo: "ip rule delete pref 100", reason: v1alpha1.ReasonRouteRejects, event: ofOthers},
	{lab: "neighbour", node: "router", do: "ip neighbour replace 198.51.100.1 lladdr 02:00:00:00:00:99 dev l2", undo: "ip neighbour delete 198.51.100.1 dev l2", reason: v1alpha1.ReasonHostUnreachable, event: ofOthers},
	{lab: "echo-ignored", node: "ns2", do: "sysctl -qw net.ipv4.icmp_echo_ignore_all=1", undo: "sysctl -qw net.ipv4.icmp_echo_ignore_all=0", reason: v1alpha1.ReasonEchoIgnored, event: noEvent, repairable: true},
	{lab: "filter", node: "router", do: "nft add table inet t && nft add chain inet t c '{ type filter hook forward priority 0; policy drop; }'", undo: "nft delete table inet t", reason: v1alpha1.ReasonNoReply, event: ofOthers},
}

// damagePeriod is that of the probes, in seconds.
const damagePeriod = probe.DefaultPeriod / time.Second

func damageRounds() int {
	if long {
		return 25
	}
	return 3
}

// A change by hand that stops packets is explained in the lab's status, whether or not the kernel tells of it. The
// agents compare only (driftPolicy: Report), so each change stays until it is undone.
func TestDamageByHandIsExplained(t *testing.T) {
	s := begin(t)
	ns, node := tenant(t, "damaged"), nodes(t)[0]
	labs := map[string]*v1alpha1.NetLab{}
	for _, d := range damages {
		lab := routedPair(t, ns, d.lab)
		lab.Spec.DriftPolicy = v1alpha1.DriftReport
		lab.Spec.Probes[0].PeriodSeconds = int32(damagePeriod)
		labs[d.lab] = lab
		create(t, lab)
	}
	times := map[string]spread{}
	for range damageRounds() {
		for _, lab := range labs {
			becomesReady(t, lab)
		}
		time.Sleep(4 * agentPause) // until four reports may follow each other again
		damageAll(t, ns, node, times)
	}
	for _, kind := range slices.Sorted(maps.Keys(times)) {
		s.counted("%s: %s", kind, times[kind])
	}
	s.counted("%d kinds of damage × %d; probes every %d s, 3 attempts in a row without a reply count, each waits 1 s", len(damages), damageRounds(), damagePeriod)
}

// damageAll damages every lab and undoes it once the status of each names the cause.
func damageAll(t *testing.T, ns, node string, times map[string]spread) {
	t.Helper()
	seen := watchDamage(t, ns)
	starts := map[string]time.Time{}
	for _, d := range damages {
		starts[d.lab] = time.Now()
		inLab(t, node, ns+"."+d.lab+"."+d.node, "sh", "-c", d.do)
	}
	for _, d := range damages {
		event := ", " + d.event
		times["cause"+event] = append(times["cause"+event], seen.await(t, sighting{d.lab, v1alpha1.ConditionReachable, d.reason}).Sub(starts[d.lab]))
		if d.repairable {
			times["drift"+event] = append(times["drift"+event], seen.await(t, sighting{d.lab, v1alpha1.ConditionRealized, v1alpha1.ReasonDrifted}).Sub(starts[d.lab]))
		}
	}
	for _, d := range damages {
		inLab(t, node, ns+"."+d.lab+"."+d.node, "sh", "-c", d.undo)
	}
}

// sighting is a reason of a condition that is False.
type sighting struct{ lab, condition, reason string }

// arrival is a sighting and its time.
type arrival struct {
	sighting
	at time.Time
}

// sightings are when reasons were first seen.
type sightings struct {
	arrivals chan arrival
	at       map[sighting]time.Time
}

// watchDamage watches the labs of a namespace until the story ends.
func watchDamage(t *testing.T, ns string) *sightings {
	t.Helper()
	seen := &sightings{arrivals: make(chan arrival, 10_000), at: map[sighting]time.Time{}}
	observe(t, &v1alpha1.NetLabList{}, func(lab *v1alpha1.NetLab) {
		for _, condition := range []string{v1alpha1.ConditionReachable, v1alpha1.ConditionRealized} {
			if c := conditionOf(lab, condition); c.Status == metav1.ConditionFalse {
				seen.arrivals <- arrival{sighting{lab.Name, condition, c.Reason}, time.Now()}
			}
		}
	}, client.InNamespace(ns))
	return seen
}

// await returns when a reason was first seen.
func (s *sightings) await(t *testing.T, wanted sighting) time.Time {
	t.Helper()
	timeout := time.After(soon)
	for {
		if at, ok := s.at[wanted]; ok {
			return at
		}
		select {
		case next := <-s.arrivals:
			if _, known := s.at[next.sighting]; !known {
				s.at[next.sighting] = next.at
			}
		case <-timeout:
			t.Fatalf("not within %s: %+v; seen: %+v", soon, wanted, s.at)
		}
	}
}
