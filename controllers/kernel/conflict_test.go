// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

// decoy is something that somebody else has at a name the lab needs.
type decoy struct {
	name string
	make string
	// at is the name the conflict gives, found part of what it says.
	at, found string
	// look prints what must be the same afterwards.
	look string
}

var decoys = []decoy{
	{"a file", `echo hello >$dir/$a`, NamespaceDir + "/" + ns1, `a file with the content "hello"`, `cat $dir/$a; stat -c %i $dir/$a`},
	{"an empty file, as ip netns makes", `touch $dir/$a`, NamespaceDir + "/" + ns1, "a file", `stat -c '%i %s' $dir/$a`},
	{"a file with the mark of another node", `echo netlab.dev/local/default.routed-pair/ns2 >$dir/$a`, NamespaceDir + "/" + ns1, "a file", `cat $dir/$a`},
	{"a huge file", `yes | head -c 100000 >$dir/$a`, NamespaceDir + "/" + ns1, "a file", `wc -c $dir/$a`},
	{"a directory", `mkdir $dir/$a && touch $dir/$a/x`, NamespaceDir + "/" + ns1, "a directory", `ls -li $dir/$a`},
	{"a FIFO", `mkfifo $dir/$a`, NamespaceDir + "/" + ns1, "a special file", `stat -c '%i %F' $dir/$a`},
	{"a symlink to a namespace", `ip netns add theirs && ln -s /run/netns/theirs $dir/$a`, NamespaceDir + "/" + ns1, "a symbolic link", `readlink $dir/$a; ip netns exec theirs readlink /proc/self/ns/net`},
	{"a network namespace", `ip netns add theirs && touch $dir/$a && mount --bind /run/netns/theirs $dir/$a`,
		NamespaceDir + "/" + ns1, "without an owner label", `ip netns exec theirs readlink /proc/self/ns/net; nsenter --net=$dir/$a readlink /proc/self/ns/net`},
	{"an agent's lab", `ip netns add theirs && ip -n theirs link set lo alias netlab.dev/agent/42/ns1 && touch $dir/$a && mount --bind /run/netns/theirs $dir/$a`,
		NamespaceDir + "/" + ns1, "netlab.dev/agent/42/ns1", `nsenter --net=$dir/$a readlink /proc/self/ns/net; ip -n theirs link`},
	{"a file of an agent's lab", `echo netlab.dev/agent/42/ns1 >$dir/$a`, NamespaceDir + "/" + ns1, "netlab.dev/agent/42/ns1", `cat $dir/$a`},
	{"the namespace of another node", `ip netns add theirs && ip -n theirs link set lo alias netlab.dev/local/default.routed-pair/ns2 && touch $dir/$a && mount --bind /run/netns/theirs $dir/$a`,
		NamespaceDir + "/" + ns1, "with the owner label", `nsenter --net=$dir/$a readlink /proc/self/ns/net; ip -n theirs link`},
	{"a UTS namespace", `touch $dir/$a && unshare --uts=$dir/$a true`,
		NamespaceDir + "/" + ns1, "a namespace of another type", `stat -L -c %i $dir/$a`},
	{"a symlink elsewhere", `ln -s /etc/passwd /run/netns/$a`, SymlinkDir + "/" + ns1, `"/etc/passwd"`, `readlink /run/netns/$a`},
	{"a namespace of ip netns", `ip netns add $a`, SymlinkDir + "/" + ns1, "a file", `ip netns exec $a readlink /proc/self/ns/net`},
	{"a directory in the place of a symlink", `mkdir /run/netns/$a`, SymlinkDir + "/" + ns1, "a directory", `stat -c %i /run/netns/$a`},
}

func TestDecoysSurvive(t *testing.T) {
	for _, d := range decoys {
		t.Run(d.name, func(t *testing.T) {
			k := newKernel(t, Options{})
			script := shorthand + "dir=" + NamespaceDir + "\n"
			sh(t, script+d.make)
			before := sh(t, script+d.look)
			found := observe(t, k, tutorialLab())
			mustConflict(t, found, d.at, d.found)
			// Nobody applies a plan beside a conflict; whoever does all the same harms nothing.
			for _, want := range []state.State{tutorialLab(), {}} {
				_, err := k.Apply(t.Context(), state.Diff(observe(t, k, want).State, want))
				if err == nil && len(want) > 0 {
					t.Error("the lab was built over it")
				}
			}
			for _, op := range []state.Op{state.DeleteNamespace{Name: ns1}, state.DeleteSymlink{Name: ns1}} {
				if !ownMark(d.found) {
					_, _ = k.Apply(t.Context(), []state.Op{op})
				}
			}
			if after := sh(t, script+d.look); after != before {
				t.Errorf("it was\n%sand is\n%s", before, after)
			}
		})
	}
}

// ownMark says that a decoy carries a mark of NetLab's for this node: only Observe tells whose
// it is, an operation that names it does what it says.
func ownMark(found string) bool { return strings.Contains(found, "/agent/") }

func mustConflict(t *testing.T, found state.Observation, at, what string) {
	t.Helper()
	for _, c := range found.Conflicts {
		if c.Name == at && strings.Contains(c.Found, what) {
			return
		}
	}
	t.Errorf("conflicts %v, want one at %s with %q", found.Conflicts, at, what)
}

func TestForeignThingsInALabsNamespaceSurvive(t *testing.T) {
	k := newKernel(t, Options{})
	want := tutorialLab()
	converge(t, k, want)
	sh(t, shorthand+`
		ip -n $r link add br0 type bridge && ip -n $r link set br0 up && ip -n $r address add 10.50.0.1/24 dev br0
		ip -n $r link add theirs type veth peer name theirs2
		ip -n $r route add 10.60.0.0/16 via 192.0.2.77 proto bird
		ip -n $r route append 10.61.0.0/16 via 192.0.2.77 tos 0x10 proto 78
		ip -n $r route add 10.62.0.0/16 via 192.0.2.77 table 100 proto 78`)
	look := shorthand + "ip -n $r -o address show br0; ip -n $r -o link show theirs; ip -n $r route show"
	before := sh(t, look)
	found := observe(t, k, want)
	if plan := state.Diff(found.State, want); len(plan) > 0 {
		t.Errorf("the plan is not empty:\n%s", texts(plan))
	}
	for _, said := range []string{"link br0 (bridge)", "link theirs (veth)", "route 10.60.0.0/16 via 192.0.2.77 dev l1 proto 12", "route 10.61.0.0/16"} {
		if !strings.Contains(strings.Join(found.Unmanaged, "\n"), router+": "+said) {
			t.Errorf("%q is not in %q", said, found.Unmanaged)
		}
	}
	if told := strings.Join(found.Unmanaged, "\n"); strings.Contains(told, "10.62.0.0") {
		t.Errorf("another table's route is in %q", told)
	}
	converge(t, k, want)
	if after := sh(t, look); after != before {
		t.Errorf("it was\n%sand is\n%s", before, after)
	}
}

func TestAForeignLinkAtOurName(t *testing.T) {
	k := newKernel(t, Options{})
	want := tutorialLab()
	converge(t, k, want)
	sh(t, shorthand+"ip -n $r link delete l2 && ip -n $r link add l2 type bridge")
	mustConflict(t, observe(t, k, want), "interface l2 in "+router, "bridge")
}

func TestAnAlternativeNameInTheWay(t *testing.T) {
	k := newKernel(t, Options{})
	want := tutorialLab()
	converge(t, k, want)
	sh(t, shorthand+"ip -n $r link property add dev l1 altname spare")
	if found := observe(t, k, want); len(found.Conflicts) > 0 {
		t.Errorf("a name that nobody needs is in the way: %v", found.Conflicts)
	}
	sh(t, shorthand+"ip -n $r link delete l2 && ip -n $r link property add dev l1 altname l2")
	mustConflict(t, observe(t, k, want), "interface l2 in "+router, "an alternative name of l1")
	sh(t, shorthand+"ip -n $r link property del dev l1 altname l2")
	converge(t, k, want)
}

// Whoever removes a lab is told what others have under its names, and so is whoever builds it.
func TestWhatOthersHaveUnderALabsNamesIsReported(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	sh(t, shorthand+"ip -n $a link set lo alias mine; ln -s /nowhere /run/netns/default.routed-pair.ns9")
	for _, want := range []state.State{{}, {}} {
		told := observe(t, k, want).Unmanaged
		for _, said := range []string{
			NamespaceDir + "/" + ns1 + ": a network namespace with the owner label \"mine\"",
			SymlinkDir + `/default.routed-pair.ns9: a symbolic link to "/nowhere"`,
		} {
			if !slices.Contains(told, said) {
				t.Errorf("%q is not in %q", said, told)
			}
		}
	}
}

// A large lab is read in several parts.
func TestWhatOthersHaveIsReportedOfEveryPart(t *testing.T) {
	const links = 4 * minNames
	k := newKernel(t, Options{})
	sh(t, fmt.Sprintf("for i in $(seq %d); do ln -s /nowhere /run/netns/default.routed-pair.n$i; done", links))
	if told := observe(t, k, state.State{}).Unmanaged; len(told) != links || !slices.IsSorted(told) {
		t.Errorf("%d of %d are told: %q", len(told), links, told)
	}
}

func TestANamespaceThatIsMountedTwiceIsDeleted(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	sh(t, "f="+NamespaceDir+"/"+ns1+"; mount --bind $f $f && mount --bind $f $f")
	converge(t, k, state.State{})
}

func TestAnAlternativeNameIsNotTheName(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	sh(t, shorthand+"ip -n $r link delete l2 && ip -n $r link add theirs type bridge && ip -n $r link property add dev theirs altname l2")
	ops := []state.Op{state.DeleteLink{LinkID: link(router, "l2")}}
	if _, err := k.Apply(t.Context(), ops); err != nil {
		t.Error(err)
	}
	_, err := k.Apply(t.Context(), []state.Op{up(router, "l2")})
	if !errors.Is(err, unix.ENODEV) || err.Error() != "ip -n default.routed-pair.router link set l2 up: no such device" {
		t.Errorf("got %v", err)
	}
	sh(t, shorthand+"ip -n $r link show theirs | grep -q 'state DOWN'")
}

func TestALeftoverFileIsUsedAgain(t *testing.T) {
	k := newKernel(t, Options{})
	want := tutorialLab()
	write(t, NamespaceDir+"/"+ns1, tutorial.Owner.Label("ns1")+"\n")
	row := observe(t, k, want).State[ns1]
	if row.Label != tutorial.Owner.Label("ns1") || row.Mounted || row.Symlink || len(row.Links) > 0 {
		t.Errorf("observed %+v", row)
	}
	converge(t, k, want)
}

func TestALeftoverFileIsRemoved(t *testing.T) {
	k := newKernel(t, Options{})
	write(t, NamespaceDir+"/"+ns1, tutorial.Owner.Label("ns1")+"\n")
	converge(t, k, state.State{})
	if _, err := os.Lstat(NamespaceDir + "/" + ns1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestNoNameLeadsOutOfTheDirectory(t *testing.T) {
	k := newKernel(t, Options{})
	for _, name := range []string{"../../tmp/a.b", "a.b.../../x", "a.b", "a.b.c.d", "a.b./etc", "a.b.\x00", ""} {
		for _, op := range []state.Op{
			state.CreateNamespace{Name: name, Label: "netlab.dev/local/a.b/c"}, state.DeleteNamespace{Name: name},
			state.AddSymlink{Name: name}, state.DeleteSymlink{Name: name},
		} {
			if _, err := k.Apply(t.Context(), []state.Op{op}); err == nil {
				t.Errorf("%q was accepted: %s", name, op)
			}
		}
	}
	for _, link := range []string{"..", ".", "../../../kernel", "\x00"} {
		id := state.SettingID{Namespace: ns1, SettingKey: state.SettingKey{Link: link, Setting: state.RPFilter}}
		perform(t, k, create(ns1))
		if _, err := k.Apply(t.Context(), []state.Op{state.SetSysctl{SettingID: id}}); err == nil || errors.Is(err, unix.ENOENT) {
			t.Errorf("%q: %v", link, err)
		}
	}
}
