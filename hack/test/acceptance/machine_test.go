// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// machine is the one machine of these stories, shared by all of them: building the programs
// and starting an API server takes seconds.
var machine struct {
	programs   string // directory of the three programs
	kubectl    string
	kubeconfig string
}

// advertised is the machine's address, on lo.
const advertised = "10.200.0.1"

// nodeName is what the cluster calls this machine.
const nodeName = "node-a"

func TestMain(m *testing.M) { sandbox.TestMain(stories{m}) }

// stories sets the machine up, tells the stories, and tears it down.
type stories struct{ m *testing.M }

func (s stories) Run() int {
	dir, err := os.MkdirTemp("", "netlab-acceptance-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a directory of ours under the temporary one
	if err := build(dir); err != nil {
		return fail(err)
	}
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		return fail(fmt.Errorf("KUBEBUILDER_ASSETS is not set: run these stories with make test, which builds an API server"))
	}
	api := &envtest.Environment{
		CRDDirectoryPaths:        []string{"../../../config/crd/bases"},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
	}
	// A machine without a default route must say by itself where it can be reached, and an API
	// server does not take a loopback address for that.
	if out, err := exec.Command("ip", "address", "add", advertised+"/32", "dev", "lo").CombinedOutput(); err != nil {
		return fail(fmt.Errorf("give the machine an address: %w: %s", err, out))
	}
	api.ControlPlane.GetAPIServer().Configure().Set("advertise-address", advertised)
	if _, err := api.Start(); err != nil {
		return fail(fmt.Errorf("start an API server: %w", err))
	}
	defer api.Stop() //nolint:errcheck // the sandbox ends it in any case
	machine.programs, machine.kubectl = dir, filepath.Join(assets, "kubectl")
	machine.kubeconfig = filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(machine.kubeconfig, api.KubeConfig, 0o600); err != nil {
		return fail(err)
	}
	return s.m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "acceptance:", err)
	return 1
}

func build(dir string) error {
	command := exec.Command("go", "build", "-o", dir+"/", "./cmd/...")
	command.Dir = "../../.."
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	if other := os.Getenv("NETLAB_AGENT_PROGRAM"); other != "" { // the agent of another revision
		return errors.Join(os.Remove(filepath.Join(dir, "netlab-agent")), os.Symlink(other, filepath.Join(dir, "netlab-agent")))
	}
	return nil
}

// patience ends a command that hangs. The test's own context would not do: it has ended when
// cleaning up begins.
const patience = 2 * time.Minute

// try runs a command and returns what it printed.
func try(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out bytes.Buffer
	command := exec.CommandContext(ctx, name, args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+machine.kubeconfig, "NO_COLOR=1")
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, out.String())
	}
	return out.String(), err
}

// run is try for commands that must succeed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := try(name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, machine.kubectl, args...)
}

func ip(t *testing.T, args string) string {
	t.Helper()
	return run(t, "ip", strings.Fields(args)...)
}

// eventually waits until ok says so; what says what was waited for. The bound is generous: it
// is there to end a story that failed, not to measure.
func eventually(t *testing.T, within time.Duration, what string, ok func() error) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		err := ok()
		if err == nil {
			return time.Since(start)
		}
		if time.Since(start) > within {
			t.Fatalf("not within %s: %s: %v", within, what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// process is a program in the background.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	out   bytes.Buffer
	ended chan struct{}
}

// start runs one of the three programs. The caller stops it.
func start(t *testing.T, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: exec.Command(filepath.Join(machine.programs, name), args...), ended: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "KUBECONFIG="+machine.kubeconfig), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() //nolint:errcheck // killed on purpose in some stories
		close(p.ended)
	}()
	return p
}

// stop ends the program, and shows what it said if the story failed. What does not end in time shows its goroutines.
func (p *process) stop() {
	lines := 40
	p.cmd.Process.Signal(os.Interrupt) //nolint:errcheck // it may have ended already
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		lines = 4000
		p.cmd.Process.Signal(syscall.SIGQUIT) //nolint:errcheck // it may have ended already
		<-p.ended
	}
	if p.t.Failed() {
		p.t.Logf("%s said:\n%s", p.name, tail(p.out.String(), lines))
	}
}

func (p *process) kill() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended already
	<-p.ended
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
