// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/controllers/ask/asktest"
	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/packet"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// The labs have nodes with one family, with both and with none, a switch that routes, one that filters
// VLANs and one that does neither, a VLAN interface, a loopback, and a probe that is called like a node.
const completedLabs = `
- metadata: {name: mixed, namespace: team, generation: 1}
  spec:
    namespaces: [{name: a}, {name: b}, {name: six}, {name: alone}]
    routers: [{name: r, loopbacks: [203.0.113.1/32]}]
    switches:
    - {name: plain, subnet: lan}
    - name: core
      vlanFiltering: Enabled
      forwarding: Enabled
      vlans: [{id: 10, subnet: ten, addresses: [10.10.0.253/24]}]
    subnets: [{name: lan, cidrs: [192.0.2.0/24]}, {name: ten, cidrs: [10.10.0.0/24]}, {name: v6, cidrs: ["fd00::/64"]}]
    links:
    - {name: l-a, endpoints: [{name: a}, {name: plain}]}
    - {name: l-r, endpoints: [{name: r, interface: eth0}, {name: plain}]}
    - {name: stick, endpoints: [{name: r, interface: eth1, subinterfaces: [{vlan: 10}]}, {name: core, vlans: [10]}]}
    - {name: l-b, endpoints: [{name: b}, {name: core, vlan: 10}]}
    - {name: l-six, subnet: v6, endpoints: [{name: six}, {name: b, interface: eth6}]}
    probes: [{name: a-r, from: a, to: r}, {name: b, from: b, to: r}]
- metadata: {name: other, namespace: team, generation: 1}
  spec:
    namespaces: [{name: x, loopbacks: [203.0.113.2/32]}]
`

// takes are the arguments of each verb: the least, the most, and what else is on its command line.
var takes = map[string]struct {
	least, most int
	flags       []string
	command     []string
}{
	"status":  {0, 1, nil, nil},
	"explain": {1, 3, nil, nil},
	"graph":   {1, 1, nil, nil},
	"reason":  {0, 1, nil, nil},
	"ping":    {3, 3, []string{"-c", "1"}, nil},
	"pingall": {1, 1, []string{"--timeout", "1ms"}, nil},
	"capture": {2, 3, []string{"-w", "-", "--duration", "1ms"}, nil},
	"exec":    {2, 2, nil, []string{"--", "true"}},
	"down":    {1, 2, nil, nil},
	"wait":    {0, 0, nil, nil},
	"up":      {0, 0, []string{"-f", "lab.yaml"}, nil},
	"plan":    {0, 0, []string{"-f", "lab.yaml"}, nil},
	"lint":    {0, 0, []string{"-f", "lab.yaml"}, nil},
	"tour":    {0, 0, nil, nil},
	"version": {0, 0, nil, nil},
}

// What completion offers in an argument's place is what the verb takes there, and the other way round. Every
// word that the labs have anywhere is tried in every place, behind every word that is right before it. A
// target may also be an address outside the lab, which completion does not offer.
func TestCompletionOffersWhatTheVerbTakes(t *testing.T) {
	for _, command := range new(app).rootCommand().Commands() {
		verb, known := takes[command.Name()]
		if !known {
			t.Errorf("what does %s take?", command.Name())
			continue
		}
		t.Run(command.Name(), func(t *testing.T) {
			b := newBench(t)
			if command.Name() == "down" {
				b.renew = true
			}
			b.compare(command.Name(), nil, verb.most)
		})
	}
}

// Names come from the cluster as they come from this machine, and exec there takes the same nodes: nobody
// but the agent can tell whether it takes the rest.
func TestCompletionInACluster(t *testing.T) {
	b := newBench(t)
	for verb, takes := range takes {
		if verb == "wait" {
			continue // only in a cluster
		}
		for _, args := range [][]string{nil, {"mixed"}, {"mixed", "a"}, {"mixed", "r"}, {"mixed", "core"}, {"mixed", "a-r"}, {"mixed", "a", "r"}} {
			here, there := b.offered(b.flags, verb, args), b.offered(b.clusterFlags, verb, args)
			if !slices.Equal(here, there) || verb != "down" && len(args) > takes.most && len(here) > 0 {
				t.Errorf("%s %v: on this machine %v, in the cluster %v", verb, args, here, there)
			}
		}
	}
	nodes := b.offered(b.clusterFlags, "exec", []string{"mixed"})
	for _, word := range b.words() {
		_, problems := b.run(append(slices.Clone(b.clusterFlags), "exec", "mixed", word, "--", "true"))
		if asked := strings.Contains(problems, "find the agent"); asked != slices.Contains(nodes, word) {
			t.Errorf("exec mixed %s: completion offers %v, the verb says %s", word, nodes, problems)
		}
	}
	if names := b.offered(b.clusterFlags, "wait", nil); !slices.Equal(names, []string{"mixed", "other"}) {
		t.Errorf("wait completes %v", names)
	}
	if names := b.offered(b.flags, "wait", nil); len(names) > 0 {
		t.Errorf("wait does nothing with --local and completes %v", names)
	}
}

// Files are completed where files are taken.
func TestCompletionOfFiles(t *testing.T) {
	b := newBench(t)
	for line, files := range map[string]bool{
		"lint -f": true, "up -f": true, "capture mixed a -w": true, "status --kubeconfig": true,
		"lint": false, "version": false, "status mixed": false, "exec mixed a --image": false, "capture mixed a -c": false,
		"--local exec mixed a -- cat": true, "exec mixed a -- cat": false, "up -f lab.yaml -- cat": true, "status -A": false,
	} {
		out, _ := b.run(append(append([]string{"__complete"}, strings.Fields(line)...), ""))
		if got := strings.HasSuffix(out, ":0\n"); got != files || strings.Contains(line, "-A") && out != ":4\n" {
			t.Errorf("%s: files are completed: %t, want %t; it offers %q", line, got, files, out)
		}
	}
}

// bench is a machine with a fake kernel and a cluster that hold the same labs.
type bench struct {
	*testing.T
	machine             *local.Machine
	labs                []v1alpha1.NetLab
	flags, clusterFlags []string
	out, err            *os.File
	// problems are the last verb's.
	problems string
	// renew builds the labs before every command.
	renew bool
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, flags: []string{"--local", "-n", "team"}}
	if err := yaml.UnmarshalStrict([]byte(completedLabs), &b.labs); err != nil {
		t.Fatal(err)
	}
	b.build()
	dir := t.TempDir()
	list, err := json.Marshal(v1alpha1.NetLabList{Items: b.served()})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "labs.json"), list, 0o600); err != nil {
		t.Fatal(err)
	}
	_, closeServer, err := serveLabs(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeServer)
	b.clusterFlags = []string{"--kubeconfig", filepath.Join(dir, "kubeconfig")}
	b.out, b.err = b.file(dir, "out"), b.file(dir, "err")
	return b
}

// served are the labs as they are on one node of the cluster.
func (b *bench) served() []v1alpha1.NetLab {
	labs := slices.Clone(b.labs)
	for i := range labs {
		labs[i].APIVersion, labs[i].Kind = v1alpha1.GroupVersion.String(), "NetLab"
		labs[i].Status.NodeSummaries = []v1alpha1.NodeSummary{{Name: "node-a", Ready: "True"}}
	}
	return labs
}

func (b *bench) file(dir, name string) *os.File {
	file, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = file.Close() })
	return file
}

func (b *bench) build() {
	k := &benchKernel{fake.New()}
	b.machine = local.New(k, local.Sockets{
		Dial: func(context.Context, string, probe.Options) (probe.Conn, error) {
			return &asktest.Echo{Sent: func(netip.Addr) (bool, error) { return true, nil }}, nil
		},
		Listen: k.listen,
	}, local.Options{})
	for i := range b.labs {
		if _, err := b.machine.Up(b.Context(), &b.labs[i]); err != nil {
			b.Fatal(err)
		}
	}
}

// words are those that a person could take from the labs.
func (b *bench) words() []string {
	words := []string{"mixed", "other", "nobody", "br9", "10.99.0.1", "a-r", "b"}
	for i := range b.labs {
		built, err := local.Compile(&b.labs[i], lab.Options{})
		if err != nil {
			b.Fatal(err)
		}
		words = append(words, built.Nodes...)
		for id := range built.Want.Links() {
			words = append(words, id.Name)
		}
		for id := range built.Want.Addresses() {
			words = append(words, id.Prefix.Addr().String())
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// compare looks at the next argument's place, and at the one behind it after each word that is right.
func (b *bench) compare(verb string, before []string, most int) {
	offered := b.offered(b.flags, verb, before)
	for _, word := range b.words() {
		args := append(slices.Clone(before), word)
		taken := len(args) <= most && b.takes(verb, args)
		if taken && len(before) == 2 && b.isOutside(before[0], word) {
			taken = false
		}
		if taken != slices.Contains(offered, word) {
			b.Errorf("%s %s: completion offers it: %t, the verb takes it: %t; it says %q", verb, strings.Join(args, " "), !taken, taken, b.problems)
		}
		if taken {
			b.compare(verb, args, most)
		}
	}
	if len(before) > 0 && len(offered) != len(slices.Compact(slices.Sorted(slices.Values(offered)))) {
		b.Errorf("%s %v: completion offers %v", verb, before, offered)
	}
}

// isOutside reports whether the word is an address that no node of the lab has.
func (b *bench) isOutside(name, word string) bool {
	address, err := netip.ParseAddr(word)
	if err != nil {
		return false
	}
	for i := range b.labs {
		if b.labs[i].Name != name {
			continue
		}
		built, err := local.Compile(&b.labs[i], lab.Options{})
		if err != nil {
			b.Fatal(err)
		}
		for id := range built.Want.Addresses() {
			if id.Prefix.Addr() == address {
				return false
			}
		}
	}
	return true
}

// takes reports whether the verb does its work with the arguments, or with some more.
func (b *bench) takes(verb string, args []string) bool {
	v := takes[verb]
	if len(args) >= v.least {
		line := slices.Concat(b.flags, []string{verb}, v.flags, args, v.command)
		if _, b.problems = b.run(line); !strings.Contains(b.problems, "error: ") {
			return true
		}
	}
	if len(args) == v.most {
		return false
	}
	// One of these can be asked by every node that can ask.
	return slices.ContainsFunc([]string{"a", "six", "x"}, func(word string) bool { return b.takes(verb, append(slices.Clone(args), word)) })
}

func (b *bench) offered(flags []string, verb string, args []string) []string {
	out, _ := b.run(slices.Concat([]string{"__complete"}, flags, []string{verb}, args, []string{""}))
	lines, ok := strings.CutSuffix(out, ":4\n")
	if !ok {
		b.Fatalf("%s %v: completion says %q", verb, args, out)
	}
	var words []string
	for line := range strings.Lines(lines) {
		if word := strings.Fields(line)[0]; !strings.HasPrefix(word, "-") { // flags that the verb needs
			words = append(words, word)
		}
	}
	return words
}

// run runs a command line and returns what it prints on standard output and standard error.
func (b *bench) run(line []string) (out, problems string) {
	if b.renew {
		b.build()
	}
	a := newApp(nil, b.out, b.err)
	a.openMachine = func(*app) (*local.Machine, error) { return b.machine, nil }
	a.execve = func(string, []string, []string) error { return nil }
	a.run(b.Context(), line)
	return b.take(b.out), b.take(b.err)
}

// take empties a file.
func (b *bench) take(file *os.File) string {
	text, err := os.ReadFile(file.Name())
	_, seekErr := file.Seek(0, 0)
	if err := errors.Join(err, seekErr, file.Truncate(0)); err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// benchKernel is a fake kernel on which packets are seen on the interfaces that there are.
type benchKernel struct{ *fake.Kernel }

func (k *benchKernel) RememberNeighbours([]string) (forget func() error, err error) {
	return func() error { return nil }, nil
}
func (k *benchKernel) MACTable(context.Context, string) ([]state.MACEntry, error) { return nil, nil }
func (k *benchKernel) NeighbourUse(int) (used, limit int, err error)              { return 0, 1024, nil }

func (k *benchKernel) listen(namespace string, o packet.Options) (capture.Tap, error) {
	if _, there := k.State().Link(state.LinkID{Namespace: namespace, Name: o.Interface}); o.Interface != "" && !there {
		return nil, errors.New("no such interface")
	}
	return silence{}, nil
}

// silence is an interface that no packet passes.
type silence struct{}

func (silence) Interfaces() []packet.Interface {
	return []packet.Interface{{Index: 1, Name: "lo", Hardware: 1}}
}
func (silence) Interface(int) (packet.Interface, error) { return packet.Interface{}, os.ErrNotExist }
func (silence) Read() (packet.Packet, error)            { return packet.Packet{}, os.ErrDeadlineExceeded }
func (silence) SetReadDeadline(time.Time) error         { return nil }
func (silence) Statistics() (packet.Statistics, error)  { return packet.Statistics{}, nil }
func (silence) Down() bool                              { return false }
func (silence) Deleted() bool                           { return false }
func (silence) Close() error                            { return nil }
