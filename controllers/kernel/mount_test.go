// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// asBefore gives a test directories that New has not prepared yet, with the mount it finds made so.
func asBefore(t *testing.T, mount string) {
	t.Helper()
	sh(t, "umount -R "+BaseDir+" 2>/dev/null; umount -R "+NamespaceDir+" 2>/dev/null; rm -rf "+BaseDir+"/*; mkdir -p "+BaseDir)
	sh(t, mount)
	t.Cleanup(func() {
		sh(t, "umount -R "+NamespaceDir+" 2>/dev/null; umount -R "+BaseDir+" 2>/dev/null; mount --make-private /run; rm -rf "+BaseDir+"/*")
	})
}

// mounts lists the mounts below /run as "point propagation".
func mounts(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for line := range strings.Lines(string(content)) {
		before, _, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before) // id, parent, device, root, mount point, options, optional fields
		if strings.HasPrefix(fields[4], BaseDir) {
			list.WriteString(strings.TrimPrefix(fields[4], BaseDir))
			if len(fields) > 6 && strings.HasPrefix(fields[6], "shared:") {
				list.WriteString(" shared")
			}
			list.WriteString("\n")
		}
	}
	return list.String()
}

// TestMountsReachOthers: New makes what is mounted below NamespaceDir visible in other mount
// namespaces, and whatever it finds, a namespace is mounted once and unmounted by one unmount.
func TestMountsReachOthers(t *testing.T) {
	const namespace = "/netns/" + ns1 + " shared\n"
	for _, test := range []struct{ name, mount, want, with string }{
		{"on a private mount", "mount --make-private /run", "/netns shared\n", "/netns shared\n" + namespace},
		{"on a shared mount, as systemd's", "mount --make-shared /run", "", namespace},
		{"on a shared mount of its own, as in a pod", "mount --bind " + BaseDir + " " + BaseDir + " && mount --make-shared " + BaseDir,
			" shared\n", " shared\n" + namespace},
		{"on a private mount of its own", "mkdir -p " + NamespaceDir + " && mount --bind " + NamespaceDir + " " + NamespaceDir + " && mount --make-private " + NamespaceDir,
			"/netns shared\n", "/netns shared\n" + namespace},
	} {
		t.Run(test.name, func(t *testing.T) {
			asBefore(t, test.mount)
			k := newKernel(t, Options{})
			newKernel(t, Options{})
			if got := mounts(t); got != test.want {
				t.Errorf("mounts\n%swant\n%s", got, test.want)
			}
			converge(t, k, play(create(ns1)))
			if got := mounts(t); got != test.with {
				t.Errorf("mounts with a namespace\n%swant\n%s", got, test.with)
			}
			converge(t, k, state.State{})
			if got := mounts(t); got != test.want {
				t.Errorf("mounts afterwards\n%swant\n%s", got, test.want)
			}
		})
	}
}

func TestAnotherMountNamespaceSeesTheNamespaces(t *testing.T) {
	asBefore(t, "mount --make-private /run")
	k := newKernel(t, Options{})
	sh(t, "unshare -m --propagation slave sh -c 'echo $$ >/run/other.pid; exec sleep 60' >/dev/null 2>&1 & sleep 0.2")
	converge(t, k, play(create(ns1)))
	sh(t, "p=$(cat /run/other.pid); grep -q "+ns1+" /proc/$p/mountinfo || exit 1")
	converge(t, k, state.State{})
	sh(t, "p=$(cat /run/other.pid); grep -q "+ns1+" /proc/$p/mountinfo && exit 1; kill $p")
}

func TestCleanupLeavesNothing(t *testing.T) {
	asBefore(t, "mount --make-private /run")
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	converge(t, k, state.State{})
	if err := k.Cleanup(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(BaseDir); !os.IsNotExist(err) {
		t.Errorf("%s is still there:\n%s", BaseDir, sh(t, "find "+BaseDir))
	}
	if got := mounts(t); got != "" {
		t.Errorf("mounts %s", got)
	}
	if err := k.Cleanup(); err != nil {
		t.Errorf("the second time: %v", err)
	}
	converge(t, newKernel(t, Options{}), tutorialLab())
}

// TestCleanupSparesOthers: one thing of anybody's is enough to leave what it needs.
func TestCleanupSparesOthers(t *testing.T) {
	for _, thing := range []string{
		NamespaceDir + "/a.b.c", recordDir + "/a.b.json", lockDir + "/a.b.lock", agentLockFile,
	} {
		asBefore(t, "mount --make-private /run")
		k := newKernel(t, Options{})
		write(t, thing, "theirs")
		before := mounts(t)
		if err := k.Cleanup(); err != nil {
			t.Errorf("%s: %v", thing, err)
		}
		if content, err := os.ReadFile(thing); err != nil || string(content) != "theirs" {
			t.Errorf("%s: %q, %v", thing, content, err)
		}
		if got := mounts(t); got != before {
			t.Errorf("%s: mounts %s, before %s", thing, got, before)
		}
		sh(t, "rm "+thing)
	}
}

// TestCleanupBetweenNewAndApply: the last lab of one process goes while another is about to build one.
func TestCleanupBetweenNewAndApply(t *testing.T) {
	asBefore(t, "mount --make-private /run")
	k := newKernel(t, Options{})
	if err := newKernel(t, Options{}).Cleanup(); err != nil {
		t.Fatal(err)
	}
	converge(t, k, tutorialLab())
}

// Programs that start at the same time mount the directory once: a second mount would hold namespaces that are removed.
func TestTheDirectoryIsMountedOnce(t *testing.T) {
	for range 10 {
		asBefore(t, "mount --make-private /run")
		var starting sync.WaitGroup
		start := make(chan struct{})
		for range 64 {
			starting.Go(func() {
				<-start
				if err := prepare(false); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		starting.Wait()
		if got := mounts(t); got != "/netns shared\n" {
			t.Fatalf("mounts:\n%s", got)
		}
	}
}
