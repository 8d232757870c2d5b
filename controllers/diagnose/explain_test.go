// SPDX-License-Identifier: Apache-2.0

package diagnose_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/state"
)

const tutorial = `
namespaces: [{name: ns1}, {name: ns2}]
routers: [{name: router}]
subnets:
- {name: left, cidrs: [192.0.2.0/24]}
- {name: right, cidrs: [198.51.100.0/24]}
links:
- {name: l1, subnet: left, endpoints: [{name: ns1}, {name: router}]}
- {name: l2, subnet: right, endpoints: [{name: router}, {name: ns2}]}
`

var (
	ns1Address = netip.MustParseAddr("192.0.2.1")
	ns2Address = netip.MustParseAddr("198.51.100.1")
	ns1ToNs2   = diagnose.Question{From: pair.NetworkNamespace("ns1"), To: ns2Address}
)

// altered is a kernel whose decisions a test changes.
type altered struct {
	diagnose.Kernel
	change func(state.ForwardingQuery, state.ForwardingDecision) (state.ForwardingDecision, error)
}

func (k altered) LookupRoute(ctx context.Context, q state.ForwardingQuery) (state.ForwardingDecision, error) {
	decision, err := k.Kernel.LookupRoute(ctx, q)
	if err != nil {
		return decision, err
	}
	return k.change(q, decision)
}

// explainAltered explains the tutorial's ping with a kernel whose decisions are changed.
func explainAltered(t *testing.T, q diagnose.Question, change func(state.ForwardingQuery, state.ForwardingDecision) (state.ForwardingDecision, error)) diagnose.Walk {
	t.Helper()
	k := build(t, tutorial)
	walk, err := diagnose.Explain(t.Context(), altered{k, change}, observe(t, k), q)
	if err != nil {
		t.Fatal(err)
	}
	checkTexts(t, walk.Cause)
	return walk
}

func TestAKernelThatDoesNotAnswerIsNoCause(t *testing.T) {
	for _, node := range []string{"ns1", "router", "ns2"} {
		walk := explainAltered(t, ns1ToNs2, func(q state.ForwardingQuery, d state.ForwardingDecision) (state.ForwardingDecision, error) {
			if state.NodeOf(q.Namespace) == node {
				return state.ForwardingDecision{Verdict: state.NoRoute}, errors.New(strings.Repeat("interrupted ", 40))
			}
			return d, nil
		})
		if walk.Cause.Reason != v1alpha1.ReasonProbeError || walk.Cause.Node != node {
			t.Errorf("with %s unreadable: %+v", node, walk.Cause)
		}
		if strings.Contains(walk.String(), "has no route") {
			t.Errorf("an answer that came with an error counts:\n%s", walk)
		}
	}
}

// The second lookup, which distinguishes two causes of one errno, can fail too.
func TestAnAmbiguousAnswerIsNotGuessedAt(t *testing.T) {
	for _, verdict := range []state.ForwardingVerdict{state.NotForwarded, state.Discarded} {
		walk := explainAltered(t, ns1ToNs2, func(q state.ForwardingQuery, d state.ForwardingDecision) (state.ForwardingDecision, error) {
			switch {
			case state.NodeOf(q.Namespace) != "router":
				return d, nil
			case q.Incoming == "":
				return d, syscall.EINTR
			}
			return state.ForwardingDecision{Verdict: verdict}, nil
		})
		if walk.Cause.Reason != v1alpha1.ReasonProbeError || walk.Cause.Node != "router" {
			t.Errorf("verdict %d: %+v", verdict, walk.Cause)
		}
	}
}

// A setting that is not observed can keep the router from forwarding.
func TestANodeThatDoesNotForwardForReasonsOfItsOwn(t *testing.T) {
	walk := explainAltered(t, ns1ToNs2, func(q state.ForwardingQuery, d state.ForwardingDecision) (state.ForwardingDecision, error) {
		if state.NodeOf(q.Namespace) == "router" && q.Incoming != "" {
			return state.ForwardingDecision{Verdict: state.NotForwarded}, nil
		}
		return d, nil
	})
	if walk.Cause.Reason != v1alpha1.ReasonForwardingDisabled || walk.Cause.Message != "router does not forward IPv4" {
		t.Errorf("%+v", walk.Cause)
	}
}

// For a refused source address, a kernel before 6.14 returns EXDEV and a newer one EINVAL, as for a
// blackhole route. This kernel has neither such a route nor the filter.
func TestADiscardedSourceIsNoBlackhole(t *testing.T) {
	walk := explainAltered(t, ns1ToNs2, func(q state.ForwardingQuery, d state.ForwardingDecision) (state.ForwardingDecision, error) {
		if state.NodeOf(q.Namespace) == "router" && q.Incoming != "" {
			return state.ForwardingDecision{Verdict: state.Discarded}, nil
		}
		return d, nil
	})
	if walk.Cause.Reason != v1alpha1.ReasonSourceFiltered || walk.Cause.Message != "router drops packets from 192.0.2.1 received on l1 because of their source address" {
		t.Errorf("%+v", walk.Cause)
	}
}

// A policy rule can reject packets that no route rejects.
func TestAPolicyRuleIsNamedWhereNoRouteRejects(t *testing.T) {
	const rule = "policy rule 100: from 192.0.2.0/24 prohibit"
	from := netip.MustParsePrefix("192.0.2.0/24")
	for action, want := range map[string]string{
		"prohibit":    "router rejects packets to 198.51.100.1 by " + rule,
		"unreachable": "router rejects packets to 198.51.100.1 by " + rule,
		"blackhole":   "router rejects packets to 198.51.100.1 by " + rule,
	} {
		k := build(t, tutorial)
		router := pair.NetworkNamespace("router")
		k.AddUnmanaged(router, state.Unmanaged{What: "a qdisc for filters of incoming packets on l1", Look: "tc"})
		k.AddUnmanaged(router, state.Unmanaged{What: rule, Undo: "ip -n " + router + " rule delete pref 100", Rule: state.PolicyRule{Priority: 100, Action: action, From: from}})
		walk, err := diagnose.Explain(t.Context(), k, observe(t, k), ns1ToNs2)
		if fix := "undo it unless it is intended; by hand: ip -n " + router + " rule delete pref 100"; err != nil || walk.Cause.Message != want || walk.Cause.Fix != fix {
			t.Errorf("%+v, %v, want %q", walk.Cause, err, want)
		}
	}
}

// With a full neighbour table no other cause is certain.
func TestAFullNeighbourTableIsNamed(t *testing.T) {
	k := build(t, tutorial)
	k.AddUnmanaged(pair.NetworkNamespace("router"), state.Unmanaged{What: "a packet filter", Look: "nft list ruleset"})
	q := ns1ToNs2
	q.NoRoom = true
	cause := explain(t, k, q).Cause
	if cause.Reason != v1alpha1.ReasonNoReply || !strings.Contains(cause.Message, "neighbour table is full") ||
		!strings.HasSuffix(cause.Fix, "sysctl -w net.ipv4.neigh.default.gc_thresh3=16384") {
		t.Errorf("%+v", cause)
	}
}

// counting counts how often the unmanaged objects of a namespace are listed.
type counting struct {
	diagnose.Kernel
	searched map[string]int
}

func (c counting) Unmanaged(ctx context.Context, namespace string) ([]state.Unmanaged, error) {
	c.searched[namespace]++
	return c.Kernel.Unmanaged(ctx, namespace)
}

func TestANamespaceIsSearchedOnceInAWalk(t *testing.T) {
	k := build(t, tutorial)
	c := counting{k, map[string]int{}}
	if _, err := diagnose.Explain(t.Context(), c, observe(t, k), ns1ToNs2); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, node := range []string{"ns1", "router", "ns2"} {
		want[pair.NetworkNamespace(node)] = 1
	}
	if !maps.Equal(c.searched, want) {
		t.Errorf("searched %v, want %v", c.searched, want)
	}
}

func TestAKernelThatDoesNotNameTheSourceIsNoCause(t *testing.T) {
	walk := explainAltered(t, ns1ToNs2, func(_ state.ForwardingQuery, d state.ForwardingDecision) (state.ForwardingDecision, error) {
		d.Source = netip.Addr{}
		return d, nil
	})
	if walk.Cause.Reason != v1alpha1.ReasonProbeError || len(walk.Back) > 0 {
		t.Errorf("the reply has no destination, but the cause is: %s", walk)
	}
}

// After a link's MTU was raised, the sender fails with EMSGSIZE until the cached path MTU expires.
func TestARememberedMTUIsNamedWhenEveryLinkIsLargeEnough(t *testing.T) {
	q := ns1ToNs2
	q.SizeBytes = 1400
	remember := func(q state.ForwardingQuery, d state.ForwardingDecision) (state.ForwardingDecision, error) {
		if q.Namespace == ns1ToNs2.From {
			d.MTU = 1400
		}
		return d, nil
	}
	walk := explainAltered(t, q, remember)
	const want = "packets of 1428 bytes to 198.51.100.1 exceed the path MTU in the route cache of ns1 (1400)" +
		"; ip -n default.routed-pair.ns1 route flush cache"
	if walk.Cause.Reason != v1alpha1.ReasonMessageTooBig || walk.Cause.String() != want {
		t.Errorf("got  %s\nwant %s", walk.Cause, want)
	}
}

func TestTheContextEndsTheWalk(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k := build(t, tutorial)
	if _, err := diagnose.Explain(ctx, k, observe(t, k), ns1ToNs2); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Lookups have the incoming interface and the source address.
func TestWhatTheKernelIsAsked(t *testing.T) {
	var asked []string
	explainAltered(t, ns1ToNs2, func(q state.ForwardingQuery, d state.ForwardingDecision) (state.ForwardingDecision, error) {
		asked = append(asked, fmt.Sprintf("%s: to %s from %s in by %q", state.NodeOf(q.Namespace), q.Destination, q.Source, q.Incoming))
		return d, nil
	})
	want := []string{
		`ns1: to 198.51.100.1 from invalid IP in by ""`,
		`router: to 198.51.100.1 from 192.0.2.1 in by "l1"`,
		`ns2: to 198.51.100.1 from 192.0.2.1 in by "l2"`,
		`ns2: to 192.0.2.1 from 198.51.100.1 in by ""`,
		`router: to 192.0.2.1 from 198.51.100.1 in by "l2"`,
		`ns1: to 192.0.2.1 from 198.51.100.1 in by "l1"`,
		// what each does with the other's ARP requests
		`router: to 192.0.2.254 from 192.0.2.1 in by "l1"`,
		`ns2: to 198.51.100.1 from 198.51.100.254 in by "l2"`,
		`router: to 198.51.100.254 from 198.51.100.1 in by "l2"`,
		`ns1: to 192.0.2.1 from 192.0.2.254 in by "l1"`,
	}
	if got, want := strings.Join(asked, "\n"), strings.Join(want, "\n"); got != want {
		t.Errorf("asked\n%s\nwant\n%s", got, want)
	}
}

func TestAWalkHasEveryHop(t *testing.T) {
	walk := explain(t, build(t, tutorial), ns1ToNs2)
	if walk.From != "ns1" || walk.Source != ns1Address || walk.To != ns2Address {
		t.Errorf("%+v", walk)
	}
	router := walk.Forward[1]
	want := diagnose.Hop{Node: "router", Incoming: "l1", Decision: router.Decision, Outgoing: "l2", Next: "ns2"}
	if !reflect.DeepEqual(router, want) {
		t.Errorf("%+v, want %+v", router, want)
	}
	if len(walk.Forward) != 3 || len(walk.Back) != 3 {
		t.Errorf("%d hops there, %d back", len(walk.Forward), len(walk.Back))
	}
}

// With the longest possible names, a fix omits its command rather than truncating it.
func TestLongNamesFit(t *testing.T) {
	long := state.Identity{Namespace: strings.Repeat("n", 63), Name: strings.Repeat("l", 63), Owner: "local/x"}
	const from, router = "aaaaaaaaaaaaaaa", "rrrrrrrrrrrrrrr"
	destination := netip.MustParseAddr("2001:db8:aaaa:bbbb:cccc:dddd:eeee:1")
	see := state.Observation{State: state.State{}}
	ends := [2]state.LinkID{{Namespace: long.NetworkNamespace(from), Name: from}, {Namespace: long.NetworkNamespace(router), Name: from}}
	for i, end := range ends {
		n := state.NewNamespace()
		n.Settings[state.IPv6Forwarding] = state.Off
		see.State[end.Namespace] = n
		see.State[end.Namespace].Links[end.Name] = state.Link{Peer: ends[1-i], MTU: 1500, Up: true}
		for _, p := range []string{"2001:db8:aaaa:bbbb:cccc:dddd:ffff:%d/112", "fe80::1234:5678:9abc:def%d/64"} {
			prefix := netip.MustParsePrefix(fmt.Sprintf(p, i))
			see.State[end.Namespace].Addresses[state.AddressKey{Link: end.Name, Prefix: prefix}] = state.Address{}
		}
	}
	for verdict := state.Forward; verdict <= state.Filtered; verdict++ {
		walk, err := diagnose.Explain(t.Context(), says(verdict, from), see, diagnose.Question{From: ends[0].Namespace, To: destination})
		if err != nil {
			t.Fatal(err)
		}
		checkTexts(t, walk.Cause)
	}
}

// says makes a kernel that forwards over a link at the sender and returns one verdict at every other node.
func says(verdict state.ForwardingVerdict, link string) diagnose.Kernel {
	return kernelFunc(func(q state.ForwardingQuery) state.ForwardingDecision {
		if q.Incoming == "" && verdict != state.NoRoute {
			return state.ForwardingDecision{Link: link, Source: netip.MustParseAddr("2001:db8:aaaa:bbbb:cccc:dddd:ffff:0"), Via: netip.MustParseAddr("fe80::1234:5678:9abc:def1")}
		}
		return state.ForwardingDecision{Verdict: verdict, Link: link}
	})
}

type kernelFunc func(state.ForwardingQuery) state.ForwardingDecision

func (f kernelFunc) LookupRoute(_ context.Context, q state.ForwardingQuery) (state.ForwardingDecision, error) {
	return f(q), nil
}

func (kernelFunc) Policy(context.Context, string) (state.Policy, error) { return state.Policy{}, nil }

func (kernelFunc) Neighbours(context.Context, string) ([]state.NeighbourEntry, error) {
	return nil, nil
}

func (kernelFunc) MACTable(context.Context, string) ([]state.MACEntry, error) {
	return nil, nil
}

func (kernelFunc) Translations(context.Context, string) ([]state.Translation, error) {
	return nil, nil
}

func (kernelFunc) ChangedSettings(context.Context, string) ([]state.Unmanaged, error) {
	return nil, nil
}

func (kernelFunc) Unmanaged(context.Context, string) ([]state.Unmanaged, error) {
	return nil, nil
}

// A new IPv6 address has no local route until its interface is ready, so the kernel would
// forward packets for it, or refuses to forward.
func TestAnIPv6AddressThatIsNotAcceptedYet(t *testing.T) {
	k := build(t, strings.NewReplacer("192.0.2.0/24", `"fd01::/64"`, "198.51.100.0/24", `"fd02::/64"`).Replace(tutorial))
	q := diagnose.Question{From: ns1ToNs2.From, To: netip.MustParseAddr("fd02::1")}
	for _, verdict := range []state.ForwardingVerdict{state.Forward, state.NotForwarded, state.NoRoute} {
		notYet := func(q state.ForwardingQuery, d state.ForwardingDecision) (state.ForwardingDecision, error) {
			if state.NodeOf(q.Namespace) == "ns2" {
				return state.ForwardingDecision{Verdict: verdict, Link: "l2"}, nil
			}
			return d, nil
		}
		walk, err := diagnose.Explain(t.Context(), altered{k, notYet}, observe(t, k), q)
		const want = "ns2 does not accept packets for its address fd02::1: duplicate address detection is running or has failed, or its route in the table local was deleted"
		if err != nil || walk.Cause.Reason != v1alpha1.ReasonNoReply || walk.Cause.Message != want {
			t.Errorf("verdict %d: %v, %+v", verdict, err, walk.Cause)
		}
	}
}

// Both ends are up, and the kernel still reports no carrier.
func TestALinkWithoutCarrierIsNamed(t *testing.T) {
	k := build(t, tutorial)
	see := observe(t, k)
	see.Carrier[state.LinkID{Namespace: pair.NetworkNamespace("router"), Name: "l2"}] = false
	walk, err := diagnose.Explain(t.Context(), k, see, ns1ToNs2)
	const want = "interface l2 of router has no carrier, on the path from router to 198.51.100.1"
	if err != nil || walk.Cause.Reason != v1alpha1.ReasonLinkDown || walk.Cause.Message != want {
		t.Errorf("%v, %+v", err, walk.Cause)
	}
}

// The order in which tables are read does not change the text.
func TestMessagesAreStable(t *testing.T) {
	k := build(t, tutorial)
	byHand(t, k, strings.Fields("sysctl router net.ipv4.ip_forward 0"))
	first := explain(t, k, ns1ToNs2)
	for range 50 {
		if again := explain(t, k, ns1ToNs2); again.String() != first.String() {
			t.Fatalf("first\n%s\nthen\n%s", first, again)
		}
	}
}

// The other end of an interface that was not observed is unknown.
func TestAnInterfaceNobodyKnowsIsNamed(t *testing.T) {
	k := build(t, tutorial)
	walk, err := diagnose.Explain(t.Context(), k, state.Observation{State: state.State{}}, ns1ToNs2)
	if err != nil || walk.Cause.Message != "ns1 sends packets to 198.51.100.1 out of interface l1, which leads to no node of the lab" {
		t.Errorf("%v, %+v", err, walk.Cause)
	}
}

var _ diagnose.Kernel = (*fake.Kernel)(nil)

// A redirect is the cause only if the packets arrive without it.
func TestALearntRedirectIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		down string
		want string
	}{
		"the routes are right": {"", "ns1 sends packets to 198.51.100.1 via 192.0.2.77 out of l1, a gateway that it has learnt from an ICMP redirect; " +
			"no node on link l1 has address 192.0.2.77, the gateway of ns1 for 198.51.100.1"},
		"the link is down as well": {"ns1", "interface l1 of ns1 is down, on the path from ns1 to 198.51.100.1"},
	} {
		k := build(t, tutorial)
		if c.down != "" {
			byHand(t, k, []string{"down", c.down, "l1"})
		}
		redirected := func(q state.ForwardingQuery, d state.ForwardingDecision) (state.ForwardingDecision, error) {
			if q.Namespace == ns1ToNs2.From && !q.Unlearned && d.Verdict == state.Forward {
				d.Via, d.Redirected = netip.MustParseAddr("192.0.2.77"), true
			}
			return d, nil
		}
		walk, err := diagnose.Explain(t.Context(), altered{k, redirected}, observe(t, k), ns1ToNs2)
		if err != nil || walk.Cause.Message != c.want {
			t.Errorf("%s: %+v, %v", name, walk.Cause, err)
		}
	}
}
