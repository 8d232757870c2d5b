// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/state"
)

// silent are what is done to a lab by hand without a kernel event: a look at the whole lab finds it, at the next
// comparison.
var silent = map[string]bool{
	"a declared setting": true,
	"symlink gone":       true,
	"another protocol":   true, // of a neighbour entry, and nothing else of it
}

// look compares looks at a part of a lab with one at all of it.
type look struct {
	k      *Kernel
	want   state.State
	last   state.Observation
	events <-chan Event
	told   map[string]bool
}

// newLook is for a lab that is as wanted.
func newLook(t *testing.T, k *Kernel, want state.State) *look {
	t.Helper()
	for name := range want {
		mustFollow(t, k, name)
	}
	events, err := k.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l := &look{k: k, want: want, events: events, told: map[string]bool{}}
	for l.listen(20 * time.Millisecond) { // what the kernel still does with a lab that was just built
	}
	clear(l.told)
	l.last = observe(t, k, want)
	return l
}

// mustFind fails unless a look at the namespaces that the kernel tells of finds all that has changed. What it does not
// tell of is found in the namespace in which it was done.
func (l *look) mustFind(t *testing.T, d drift) {
	t.Helper()
	timeout := patience
	if silent[d.name] {
		timeout = 50 * time.Millisecond
	}
	// An event of what was built before may come late, and have the kernel tell of the namespace for another reason.
	if differs := l.compareAtRest(t, timeout); differs != "" && !silent[d.name] {
		t.Errorf("in %v, of which the kernel told, was found, and what is there:\n%s", slices.Sorted(maps.Keys(l.told)), differs)
	}
	for variable, name := range map[string]string{"$a": ns1, "$r": router, "$b": ns2, "$s": sw} {
		if strings.Contains(d.do, variable) || strings.Contains(d.do, " "+name) {
			l.told[name] = true
		}
	}
	if differs := l.compareAtRest(t, patience); differs != "" {
		t.Errorf("in %v, in which it was done, was found, and what is there:\n%s", slices.Sorted(maps.Keys(l.told)), differs)
	}
}

// listen waits for the next events.
func (l *look) listen(timeout time.Duration) bool {
	select {
	case event := <-l.events:
		l.told[event.Namespace] = true
		return true
	case <-time.After(timeout):
		return false
	}
}

// compareAtRest goes on as long as the kernel tells of something: it looks at new carriers, and a bridge at its ports,
// up to a second late.
func (l *look) compareAtRest(t *testing.T, timeout time.Duration) (differs string) {
	t.Helper()
	for differs = l.compare(t); differs != "" && l.listen(timeout); differs = l.compare(t) {
	}
	return differs
}

// compare looks at the namespaces that were told of, and at all.
func (l *look) compare(t *testing.T) string {
	t.Helper()
	told := slices.Sorted(maps.Keys(l.told))
	found, _, err := l.k.ObserveIn(t.Context(), tutorial, l.want, l.last.Clone(), told)
	if err != nil {
		t.Fatal(err)
	}
	return Differences(found, observe(t, l.k, l.want))
}

// Differences are those of two observations; empty if there are none.
func Differences(a, b state.Observation) string {
	var all strings.Builder
	all.WriteString(lineDiff(a.State.String(), b.State.String()))
	for _, list := range []struct {
		what string
		a, b any
	}{
		{"conflicts", a.Conflicts, b.Conflicts}, {"unmanaged", a.Unmanaged, b.Unmanaged}, {"indexes", a.Index, b.Index},
		{"carriers", a.Carrier, b.Carrier}, {"settling", a.Settling, b.Settling}, {"blocked", a.Blocked, b.Blocked},
	} {
		if x, y := fmt.Sprint(list.a), fmt.Sprint(list.b); x != y {
			fmt.Fprintf(&all, "%s: %s, %s\n", list.what, x, y)
		}
	}
	return all.String()
}

// Two ends of a cable may be anywhere: the kernel tells of the namespaces in which something was done to it.
func TestALookAtAPartFollowsCables(t *testing.T) {
	for _, d := range []drift{
		{name: "renamed", do: `ip -n $b link set l2 down; ip -n $b link set l2 name other`},
		{name: "in another namespace of the lab", do: `ip -n $b link set l2 netns $a`},
		{name: "in another namespace of the lab and back", do: `ip -n $b link set l2 netns $a; ip -n $a link set l2 netns $b`},
		{name: "outside", do: `ip -n $b link set l2 netns 1`},
		{name: "outside, and regrouped", do: `ip -n $r link set l2 group 7; ip -n $b link set l2 down; ip -n $b link set l2 name out2; ip -n $b link set out2 netns 1`},
		{name: "another pair", do: `ip -n $r link delete l2; ip -n $r link add l2 group 20044 type veth peer name l2 group 20044 netns $a`},
		{name: "another pair of one end marked", do: `ip -n $r link add l9 group 20044 type veth peer name l9 netns $a`},
		{name: "another pair of the other end marked", do: `ip -n $r link add l9 type veth peer name l9 group 20044 netns $a`},
		{name: "a foreign pair", do: `ip -n $r link add l9 type veth peer name l9 netns $a`},
		{name: "a foreign pair to outside", do: `ip -n $r link add l9 type veth peer name out9 netns 1`},
		{name: "no group at both ends", do: `ip -n $r link set l2 group 0; ip -n $b link set l2 group 0`},
		{name: "a namespace ends", do: `umount $n/$b; rm $n/$b`},
		{name: "a namespace is another's", do: `ip -n $b link set lo alias other`},
	} {
		t.Run(d.name, func(t *testing.T) {
			k, want := newKernel(t, Options{}), tutorialLab()
			converge(t, k, want)
			l := newLook(t, k, want)
			sh(t, "n="+NamespaceDir+"\n"+shorthand+d.do)
			l.mustFind(t, d)
		})
	}
}
