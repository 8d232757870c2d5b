// SPDX-License-Identifier: Apache-2.0

package diagnose_test

import (
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

var update = flag.Bool("update", false, "write the explanations into the scenarios")

var pair = state.Identity{Namespace: "default", Name: "routed-pair", Owner: state.LocalOwner("default", "routed-pair")}

// Each scenario of testdata is a lab's spec, changes by hand, a question, and its explanation. Unless the
// wanted lab is "known", the changes by hand stand for a spec with that content, and the fixes change the
// spec. Package broken has the fixes of drifted labs.
func TestScenarios(t *testing.T) {
	scenarios, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scenarios) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range scenarios {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { play(t, path) })
	}
}

func play(t *testing.T, path string) {
	scenario, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	k := build(t, section(scenario, "spec.yaml"))
	lab := compile(t, section(scenario, "spec.yaml"))
	for line := range strings.Lines(section(scenario, "by-hand")) {
		byHand(t, k, strings.Fields(line))
	}
	q := question(t, strings.Fields(section(scenario, "ask")))
	if q.Lab != nil {
		q.Lab, q.Left = lab, state.Diff(observe(t, k).State, lab.Want)
	}
	walk := explain(t, k, q)
	checkTexts(t, walk.Cause)
	got, want := walk.String(), section(scenario, "explained")
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("explained\n%s\nwant\n%s", got, want)
	}
	set(scenario, "explained", got)
	if err := os.WriteFile(path, txtar.Format(scenario), 0o644); err != nil {
		t.Fatal(err)
	}
}

func section(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func set(a *txtar.Archive, name, text string) {
	for i, f := range a.Files {
		if f.Name == name {
			a.Files[i].Data = []byte(text)
			return
		}
	}
	a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text)})
}

func compile(t *testing.T, text string) *lab.Lab {
	t.Helper()
	var spec v1alpha1.NetLabSpec
	if err := yaml.UnmarshalStrict([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	lab, err := lab.Compile(pair, &spec, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

// build applies a spec to a fake kernel.
func build(t *testing.T, text string) *fake.Kernel {
	t.Helper()
	k := fake.New()
	if _, err := k.Apply(t.Context(), state.Diff(state.State{}, compile(t, text).Want)); err != nil {
		t.Fatal(err)
	}
	return k
}

// byHand runs a line: a verb, a node and arguments.
func byHand(t *testing.T, k *fake.Kernel, words []string) {
	t.Helper()
	verb, namespace, rest := words[0], pair.NetworkNamespace(words[1]), words[2:]
	link := state.LinkID{Namespace: namespace, Name: rest[0]}
	switch verb {
	case "settling":
		k.Settle([]state.LinkID{link}, nil)
		return
	case "blocked":
		k.Settle(nil, []state.LinkID{link})
		return
	case "override": // an attribute in the words of ip link, and a value
		last := len(rest) - 1
		key := state.AttributeKey{Link: rest[0], Attribute: state.LinkAttribute(strings.Join(rest[1:last], " "))}
		k.Mutate(func(s state.State) { s[namespace].AttributeDrift[key] = rest[last] })
		return
	case "unprefix": // the connected route of an address
		k.Mutate(func(s state.State) {
			s[link.Namespace].Addresses[addressID(link, rest[1]).AddressKey] = state.Address{PrefixRouteMissing: true}
		})
		return
	case "rule":
		k.AddUnmanaged(namespace, policyRule(t, namespace, rest))
		return
	case "neighbour": // entries: an address, a MAC address, and whether it is permanent
		mac, err := net.ParseMAC(rest[2])
		if err != nil {
			t.Fatal(err)
		}
		k.SetNeighbours(namespace, state.NeighbourEntry{Link: rest[0], Address: netip.MustParseAddr(rest[1]), MAC: state.MAC(mac), Permanent: len(rest) > 3})
		return
	case "learnt": // a MAC address that a port has learnt
		mac, err := net.ParseMAC(rest[1])
		if err != nil {
			t.Fatal(err)
		}
		k.SetMACTable(namespace, state.MACEntry{Port: rest[0], MAC: state.MAC(mac)})
		return
	case "mac": // a MAC address
		mac, err := net.ParseMAC(rest[1])
		if err != nil {
			t.Fatal(err)
		}
		k.Mutate(func(s state.State) {
			l := s[namespace].Links[rest[0]]
			l.MAC = state.MAC(mac)
			s[namespace].Links[rest[0]] = l
		})
		return
	case "table": // a table, a prefix, and a link and a gateway, or what rejects
		k.AddRoutes(namespace, tableRoute(t, rest))
		return
	case "qdisc": // in the words of tc: loss 50%, delay 10ms, rate 1000, limit 0; of kind tbf: burst 100
		k.Mutate(func(s state.State) { s[namespace].Qdiscs[rest[0]] = qdisc(t, rest[1:]) })
		return
	case "other": // another unmanaged object
		k.AddUnmanaged(namespace, state.Unmanaged{What: strings.Join(rest, " "), Look: "ip -n " + namespace + " rule"})
		return
	}
	op := map[string]func() state.Op{
		"up":        func() state.Op { return state.SetAdmin{LinkID: link, Up: true} },
		"down":      func() state.Op { return state.SetAdmin{LinkID: link} },
		"mtu":       func() state.Op { return state.SetMTU{LinkID: link, MTU: number(t, rest[1])} },
		"sysctl":    func() state.Op { return sysctl(t, namespace, rest[0], rest[1]) },
		"address":   func() state.Op { return state.AddAddress{AddressID: addressID(link, rest[1])} },
		"unaddress": func() state.Op { return state.DeleteAddress{AddressID: addressID(link, rest[1])} },
		"route":     func() state.Op { return routeOp(link, rest[1:]) },
		"metric":    func() state.Op { return withMetric(t, link, rest[1:]) },
		"unroute":   func() state.Op { return unroute(namespace, rest[0]) },
		"release":   func() state.Op { return state.ReleaseLink{LinkID: link} },
		"vlan":      func() state.Op { return vlanOp(t, link, rest[1:]) },
		"unqdisc":   func() state.Op { return state.DeleteQdisc{LinkID: link} },
		"unvlan":    func() state.Op { return state.DeletePortVLAN{PortVLANID: portVLANID(t, link, rest[1])} },
	}[verb]
	if op == nil {
		t.Fatalf("unknown verb %q", verb)
	}
	if verb == "route" && k.State()[namespace].Links[rest[0]] == (state.Link{}) {
		k.Mutate(func(s state.State) { s[link.Namespace].Links[link.Name] = state.Link{MTU: 1500, Up: true} })
	}
	if _, err := k.Apply(t.Context(), []state.Op{op()}); err != nil {
		t.Fatal(err)
	}
}

func qdisc(t *testing.T, words []string) state.Qdisc {
	t.Helper()
	q := state.Qdisc{Kind: state.Netem, Limit: 1000}
	for i := 0; i+1 < len(words); i += 2 {
		duration, _ := time.ParseDuration(words[i+1])
		share, _ := strconv.ParseFloat(strings.TrimSuffix(words[i+1], "%"), 64)
		count, _ := strconv.ParseUint(words[i+1], 10, 32)
		switch words[i] {
		case "delay":
			q.Delay = duration
		case "jitter":
			q.Jitter = duration
		case "loss":
			q.Loss = state.ShareOf(share / 100)
		case "corrupt":
			q.Corrupt = state.ShareOf(share / 100)
		case "rate": // in bytes per second
			q.Rate = count
		case "limit":
			q.Limit = uint32(count)
		case "burst": // in bytes
			q.Kind = state.TBF
			q.Burst = uint32(float64(count) / float64(q.Rate) * float64(time.Second) / float64(state.BurstTick))
		default:
			t.Fatalf("unknown word %q", words[i])
		}
	}
	return q
}

func sysctl(t *testing.T, namespace, name, value string) state.Op {
	t.Helper()
	key, ok := state.ParseSetting(name)
	if !ok {
		t.Fatalf("%q is no setting", name)
	}
	return state.SetSysctl{SettingID: state.SettingID{Namespace: namespace, SettingKey: key}, Value: state.ValueOf(number(t, value))}
}

// policyRule parses a rule as ip rule writes it: "100: from 10.0.0.0/8 lookup 77".
func policyRule(t *testing.T, namespace string, words []string) state.Unmanaged {
	t.Helper()
	text := strings.Join(words, " ")
	r := state.PolicyRule{Priority: uint32(number(t, strings.TrimSuffix(words[0], ":"))), IPv6: strings.Contains(text, "::")}
	for i := 1; i < len(words); i++ {
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		switch words[i] {
		case "from", "to":
			if value != "all" {
				*map[string]*netip.Prefix{"from": &r.From, "to": &r.To}[words[i]] = netip.MustParsePrefix(value)
			}
		case "iif":
			r.Incoming = value
		case "lookup":
			r.Table, r.Action = uint32(number(t, value)), "lookup "+value
		case "goto":
			r.Target, r.Action = uint32(number(t, value)), "goto "+value
		case "blackhole", "prohibit", "unreachable":
			r.Action, value = words[i], ""
		default:
			t.Fatalf("unknown selector %q", words[i])
		}
		if value != "" {
			i++
		}
	}
	look := "ip -n " + namespace + " rule"
	return state.Unmanaged{What: "policy rule " + text, Look: look, Undo: fmt.Sprintf("%s delete pref %d", look, r.Priority), Rule: r}
}

func tableRoute(t *testing.T, words []string) state.TableRoute {
	r := state.TableRoute{Table: uint32(number(t, words[0])), Prefix: netip.MustParsePrefix(words[1])}
	switch words[2] {
	case "blackhole":
		r.Verdict = state.Discarded
	case "unreachable":
		r.Verdict = state.NotForwarded
	default:
		r.Hops = []state.NextHop{{Link: words[2], Weight: 1}}
		if len(words) > 3 {
			r.Hops[0].Via = netip.MustParseAddr(words[3])
		}
	}
	return r
}

func number(t *testing.T, word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func addressID(link state.LinkID, prefix string) state.AddressID {
	return state.AddressID{Namespace: link.Namespace, AddressKey: state.AddressKey{Link: link.Name, Prefix: netip.MustParsePrefix(prefix)}}
}

// routeOp is a route over a link: a prefix, and an optional gateway.
func routeOp(link state.LinkID, words []string) state.Op {
	op := state.ReplaceRoute{RouteID: routeID(link.Namespace, words[0]), Route: state.Route{Protocol: state.RouteProtocol}}
	hop := state.NextHop{Link: link.Name, Weight: 1}
	if len(words) > 1 {
		hop.Via = netip.MustParseAddr(words[1])
	}
	op.Hops, _ = state.GroupOf(hop)
	return op
}

// withMetric is a route over a link: a prefix, a gateway and a metric.
func withMetric(t *testing.T, link state.LinkID, words []string) state.Op {
	op := routeOp(link, words[:2]).(state.ReplaceRoute)
	op.Metric = uint32(number(t, words[2]))
	return op
}

func unroute(namespace, prefix string) state.Op {
	return state.DeleteRoute{RouteID: routeID(namespace, prefix), Protocol: state.RouteProtocol}
}

func portVLANID(t *testing.T, port state.LinkID, vlan string) state.PortVLANID {
	return state.PortVLANID{Namespace: port.Namespace, PortVLANKey: state.PortVLANKey{Link: port.Name, VLAN: uint16(number(t, vlan))}}
}

// vlanOp adds a port to a VLAN, with the arguments of bridge vlan add.
func vlanOp(t *testing.T, port state.LinkID, words []string) state.Op {
	return state.SetPortVLAN{
		PortVLANID: portVLANID(t, port, words[0]),
		PortVLAN:   state.PortVLAN{PVID: slices.Contains(words, "pvid"), Untagged: slices.Contains(words, "untagged")},
		Self:       port.Name == lab.BridgeName,
	}
}

func routeID(namespace, prefix string) state.RouteID {
	id := state.RouteID{Namespace: namespace, RouteKey: state.RouteKey{Prefix: netip.MustParsePrefix(prefix)}}
	if id.Prefix.Addr().Is6() {
		id.Metric = state.DefaultIPv6Metric
	}
	return id
}

// question parses a node, an address and options.
func question(t *testing.T, words []string) diagnose.Question {
	q := diagnose.Question{From: pair.NetworkNamespace(words[0]), To: netip.MustParseAddr(words[1])}
	for _, word := range words[2:] {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "size":
			q.SizeBytes = number(t, value)
		case "source":
			q.Source = netip.MustParseAddr(value)
		case "expect":
			q.Expect = v1alpha1.Expectation(value)
		case "replied":
			q.Replied = true
		case "local":
			q.DeliveredLocally = true
		case "link":
			q.Link = value
		case "known": // the wanted lab
			q.Lab = &lab.Lab{}
		default:
			t.Fatalf("unknown option %q", word)
		}
	}
	return q
}

func explain(t *testing.T, k *fake.Kernel, q diagnose.Question) diagnose.Walk {
	t.Helper()
	walk, err := diagnose.Explain(t.Context(), k, observe(t, k), q)
	if err != nil {
		t.Fatal(err)
	}
	return walk
}

func observe(t *testing.T, k *fake.Kernel) state.Observation {
	t.Helper()
	seen, err := k.Observe(t.Context(), pair, state.State{})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// checkTexts checks that message and fix are one line of at most 300 characters each.
func checkTexts(t *testing.T, c diagnose.Cause) {
	t.Helper()
	for _, text := range []string{c.Message, c.Fix} {
		if strings.ContainsAny(text, "\n\t") || utf8.RuneCountInString(text) > 300 {
			t.Errorf("not one line of at most 300 characters: %q", text)
		}
	}
}
