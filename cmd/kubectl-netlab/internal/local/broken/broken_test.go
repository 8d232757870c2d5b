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
	"github.com/netlab-dev/netlab/controllers/packet"
	"github.com/netlab-dev/netlab/controllers/probe"
)

var update = flag.Bool("update", false, "write the output into the scenarios")

// fullKernelVariable says that the kernel should have everything: what it lacks is a failure.
const fullKernelVariable = "NETLAB_FULL_KERNEL"

// TestMain runs the scenarios in a sandbox. They mostly wait for missing replies, so many run at once.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	sandbox.TestMain(m)
}

var theKernel = sync.OnceValues(func() (*kernel.Kernel, error) { return kernel.New(kernel.Options{Symlinks: true}) })

var theMachine = sync.OnceValues(func() (*local.Machine, error) {
	k, err := theKernel()
	if err != nil {
		return nil, err
	}
	return local.New(k, local.Sockets{
		Dial: func(_ context.Context, from string, o probe.Options) (probe.Conn, error) {
			return k.DialICMP(from, int(o.Family), o.DontFragment, o.Source)
		},
		Listen: func(namespace string, o packet.Options) (capture.Tap, error) { return k.DialPacket(namespace, o) },
	}, local.Options{Symlinks: true, HasNetem: k.HasNetem, FeatureMissing: kernel.ErrFeatureMissing, Progress: func(string) {}}), nil
})

func TestEveryFixWorks(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, name, path)
		})
	}
}

// scenario is a lab that is broken and fixed.
type scenario struct {
	*testing.T
	machine  *local.Machine
	lab      *v1alpha1.NetLab
	sections map[string]string
	output   strings.Builder
	// pasted are the commands that have been pasted.
	pasted map[string]bool
}

func play(t *testing.T, name, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	machine, err := theMachine()
	if err != nil {
		t.Fatal(err)
	}
	s := &scenario{T: t, machine: machine, sections: map[string]string{}, pasted: map[string]bool{}}
	for _, f := range archive.Files {
		s.sections[f.Name] = string(f.Data)
	}
	k, err := theKernel()
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(s.sections["needs"]) == "netem" && !k.HasNetem() {
		if os.Getenv(fullKernelVariable) != "" {
			t.Fatal("this kernel has no netem")
		}
		t.Skip("this kernel has no netem; make test-vm runs it on one that has")
	}
	s.lab = s.read(name, s.sections["lab"])
	t.Cleanup(func() { _, _ = machine.Down(context.Background(), "default", name) })
	s.play()
	if got := s.output.String(); got == "✓\n" {
		t.Error("nothing is broken")
	} else if got != s.sections["output"] {
		if !*update {
			t.Fatalf("output\n%s\nwant\n%s", got, s.sections["output"])
		}
		archive.Files = append(without(archive.Files, "output"), txtar.File{Name: "output", Data: []byte(got)})
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

// read returns a lab with a spec, or with the spec of a file. Its probes time out soon.
func (s *scenario) read(name, text string) *v1alpha1.NetLab {
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

// rounds is the maximum number of obstacles in a scenario, one behind the other.
const rounds = 8

func (s *scenario) play() {
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
		fixes := s.failures(status)
		if len(fixes) == 0 {
			return
		}
		status = s.follow(fixes)
	}
	s.Errorf("after %d fixes:\n%s", rounds, s.output.String())
}

// calm probes again, for a while, if no cause was found: a neighbour is resolved at most once a second, and
// other tests can fill the machine's neighbour table. A difference from the spec on the path may be the cause, or only be
// there: so it is taken for one after a few seconds.
func (s *scenario) calm(status *local.Status) *local.Status {
	const unexplained, drifted, triesWithDrift = "forwards the request and the reply", " instead of ", 3
	for try := range 30 {
		if !slices.ContainsFunc(status.Probes, func(p local.Probe) bool {
			return strings.HasSuffix(p.Message, unexplained) || strings.Contains(p.Message, "neighbour table is full") ||
				try < triesWithDrift && strings.Contains(p.Message, unexplained) && strings.Contains(p.Message, drifted)
		}) {
			break
		}
		time.Sleep(time.Second)
		status = s.status()
	}
	return status
}

func (s *scenario) status() *local.Status {
	s.Helper()
	status, err := s.machine.Status(s.Context(), s.lab.Namespace, s.lab.Name)
	s.must(err)
	return status
}

func (s *scenario) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// failures writes the failing probes as status does, and returns the fixes.
func (s *scenario) failures(status *local.Status) (fixes []string) {
	for _, p := range status.Probes {
		if p.Passed() {
			continue
		}
		fmt.Fprintf(&s.output, "✗ %s (%s) %s: %s\n  fix: %s\n", p.Name, p.Family, p.Reason, p.Message, p.Fix)
		fixes = append(fixes, p.Fix)
	}
	if len(fixes) == 0 {
		fmt.Fprintln(&s.output, "✓")
	}
	return fixes
}

// follow follows the fixes: their commands, else the scenario's answer or spec.
func (s *scenario) follow(fixes []string) *local.Status {
	progress := false
	for _, fix := range fixes {
		if command := commandIn(fix); command != "" && !s.pasted[command] {
			s.pasted[command], progress = true, true
			s.paste("set +e\n" + command) // as in a terminal: the last of several commands counts
		}
	}
	switch {
	case progress:
	case slices.ContainsFunc(fixes, func(fix string) bool { return strings.Contains(fix, "repair it with up -f") }):
		fmt.Fprintln(&s.output, "$ kubectl netlab --local up")
		status, err := s.machine.Up(s.Context(), s.lab)
		s.must(err)
		return status
	case s.sections["answer"] != "":
		s.paste(s.sections["answer"])
		fmt.Fprint(&s.output, "$ ", s.sections["answer"])
		s.sections["answer"] = ""
	case s.sections["fixed"] != "":
		fmt.Fprintln(&s.output, "$ kubectl netlab --local up")
		status, err := s.machine.Up(s.Context(), s.read(s.lab.Name, s.sections["fixed"]))
		s.must(err)
		s.sections["fixed"] = ""
		return status
	default:
		s.Fatalf("no fix to follow for\n%s", s.output.String())
	}
	return s.status()
}

// commandIn is the command of a fix, empty if it only says what to look at.
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

// paste runs a script in which every node has a variable with its network namespace.
func (s *scenario) paste(script string) {
	s.Helper()
	var variables strings.Builder
	id := local.Identity(s.lab.Namespace, s.lab.Name)
	for _, node := range s.nodes() {
		fmt.Fprintf(&variables, "%s=%s\n", node, id.NetworkNamespace(node))
	}
	if out, err := exec.Command("sh", "-ec", variables.String()+script).CombinedOutput(); err != nil {
		s.Fatalf("output\n%s\npasted\n%s\n%s%v", s.output.String(), script, out, err)
	}
}

func (s *scenario) nodes() (names []string) {
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
