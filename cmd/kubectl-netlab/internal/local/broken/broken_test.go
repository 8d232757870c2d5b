// SPDX-License-Identifier: Apache-2.0

package broken

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
	"github.com/netlab-dev/netlab/controllers/probe"
)

var update = flag.Bool("update", false, "write what is told into the stories")

// TestMain runs the stories on a machine of its own. They mostly wait for replies that do not come, so many run at once.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	sandbox.TestMain(m)
}

var theMachine = sync.OnceValues(func() (*local.Machine, error) {
	k, err := kernel.New(kernel.Options{Symlinks: true})
	if err != nil {
		return nil, err
	}
	return local.New(k, local.Sockets{
		Dial: func(_ context.Context, from string, o probe.Options) (probe.Conn, error) {
			return k.DialICMP(from, int(o.Family), o.DontFragment, o.Source)
		},
		Listen: func(namespace, link string) (capture.Tap, error) { return k.DialPacket(namespace, link) },
	}, local.Options{Symlinks: true, HasNetem: k.HasNetem, FeatureMissing: kernel.ErrFeatureMissing, Progress: func(string) {}}), nil
})

func TestEveryFixWorks(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tell(t, name, path)
		})
	}
}

// story is a lab being broken and fixed.
type story struct {
	*testing.T
	machine  *local.Machine
	lab      *v1alpha1.NetLab
	sections map[string]string
	told     strings.Builder
	// pasted are the commands that were.
	pasted map[string]bool
}

func tell(t *testing.T, name, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	machine, err := theMachine()
	if err != nil {
		t.Fatal(err)
	}
	s := &story{T: t, machine: machine, sections: map[string]string{}, pasted: map[string]bool{}}
	for _, f := range archive.Files {
		s.sections[f.Name] = string(f.Data)
	}
	s.lab = s.read(name, s.sections["lab"])
	t.Cleanup(func() { _, _ = machine.Down(context.Background(), "default", name) })
	s.play()
	if got := s.told.String(); got == "✓\n" {
		t.Error("nothing is broken")
	} else if got != s.sections["told"] {
		if !*update {
			t.Fatalf("told\n%s\nwant\n%s", got, s.sections["told"])
		}
		archive.Files = append(without(archive.Files, "told"), txtar.File{Name: "told", Data: []byte(got)})
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func without(files []txtar.File, name string) (others []txtar.File) {
	for _, f := range files {
		if f.Name != name {
			others = append(others, f)
		}
	}
	return others
}

// read is a lab of that name with a spec, or with that of a file. Its probes do not ask for long.
func (s *story) read(name, text string) *v1alpha1.NetLab {
	s.Helper()
	if file := strings.TrimSpace(text); strings.HasSuffix(file, ".yaml") {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			s.Fatal(err)
		}
		text = string(data)
	}
	lab := &v1alpha1.NetLab{}
	lab.Namespace, lab.Name = "default", name
	if err := yaml.UnmarshalStrict([]byte(text), &lab.Spec); err != nil {
		s.Fatal(err)
	}
	for i := range lab.Spec.Probes {
		lab.Spec.Probes[i].FailureThreshold, lab.Spec.Probes[i].TimeoutSeconds = 1, 1
	}
	return lab
}

// rounds is how many obstacles a story may have, one behind the other.
const rounds = 8

func (s *story) play() {
	status, err := s.machine.Up(s.Context(), s.lab)
	s.must(err)
	if script := s.sections["by-hand"]; script != "" {
		s.paste(script)
		status = s.status()
	}
	for range rounds {
		if status = s.calm(status); s.Failed() {
			return
		}
		fixes := s.tell(status)
		if len(fixes) == 0 {
			return
		}
		status = s.follow(fixes)
	}
	s.Errorf("after %d fixes:\n%s", rounds, s.told.String())
}

// calm asks again, for a while, where nothing is known to be wrong: a neighbour may still be asked once a second
// for its address, or the machine's neighbour table be full of others' entries.
func (s *story) calm(status *local.Status) *local.Status {
	for range 30 {
		unexplained := func(p local.Probe) bool {
			return strings.HasSuffix(p.Message, "forwards the request and the reply") || strings.Contains(p.Message, "neighbour table is full")
		}
		if !slices.ContainsFunc(status.Probes, unexplained) {
			break
		}
		time.Sleep(time.Second)
		status = s.status()
	}
	return status
}

func (s *story) status() *local.Status {
	s.Helper()
	status, err := s.machine.Status(s.Context(), s.lab.Namespace, s.lab.Name)
	s.must(err)
	return status
}

func (s *story) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// tell writes down what fails as status does, and returns the fixes.
func (s *story) tell(status *local.Status) (fixes []string) {
	for _, p := range status.Probes {
		if p.Passed() {
			continue
		}
		fmt.Fprintf(&s.told, "✗ %s (%s) %s: %s\n  fix: %s\n", p.Name, p.Family, p.Reason, p.Message, p.Fix)
		fixes = append(fixes, p.Fix)
	}
	if len(fixes) == 0 {
		fmt.Fprintln(&s.told, "✓")
	}
	return fixes
}

// follow does what the fixes say: what can be pasted, else what the story has for it.
func (s *story) follow(fixes []string) *local.Status {
	progress := false
	for _, fix := range fixes {
		if command := commandIn(fix); command != "" && !s.pasted[command] {
			s.pasted[command], progress = true, true
			s.paste("set +e\n" + command) // as in a terminal: of several commands the last counts
		}
	}
	switch {
	case progress:
	case s.sections["answer"] != "":
		s.paste(s.sections["answer"])
		fmt.Fprint(&s.told, "$ ", s.sections["answer"])
		s.sections["answer"] = ""
	case s.sections["fixed"] != "":
		fmt.Fprintln(&s.told, "$ kubectl netlab --local up")
		status, err := s.machine.Up(s.Context(), s.read(s.lab.Name, s.sections["fixed"]))
		s.must(err)
		s.sections["fixed"] = ""
		return status
	default:
		s.Fatalf("there is nothing to be done about\n%s", s.told.String())
	}
	return s.status()
}

// commandIn is the command of a fix, empty if it is only to look.
func commandIn(fix string) string {
	if _, command, ok := strings.Cut(fix, "by hand: "); ok {
		return command
	}
	for _, program := range []string{"ip ", "bridge ", "tc "} {
		if strings.HasPrefix(fix, program) {
			return fix
		}
	}
	return ""
}

// paste runs a script in which every node's name is a variable that names its network namespace.
func (s *story) paste(script string) {
	s.Helper()
	var variables strings.Builder
	id := local.Identity(s.lab.Namespace, s.lab.Name)
	for _, node := range s.nodes() {
		fmt.Fprintf(&variables, "%s=%s\n", node, id.NetworkNamespace(node))
	}
	if out, err := exec.Command("sh", "-ec", variables.String()+script).CombinedOutput(); err != nil {
		s.Fatalf("told\n%s\npasted\n%s\n%s%v", s.told.String(), script, out, err)
	}
}

func (s *story) nodes() (names []string) {
	for _, n := range s.lab.Spec.Namespaces {
		names = append(names, n.Name)
	}
	for _, n := range s.lab.Spec.Routers {
		names = append(names, n.Name)
	}
	for _, n := range s.lab.Spec.Switches {
		names = append(names, n.Name)
	}
	return names
}
