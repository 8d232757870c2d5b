// SPDX-License-Identifier: Apache-2.0

package sandbox_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// The tests run this test binary again as a program that enters a sandbox. A script says what it
// does there; every line it prints is "name: value".
const (
	scriptVariable = "SANDBOX_TEST_SCRIPT"
	userVariable   = "SANDBOX_TEST_USER"
)

func TestMain(m *testing.M) {
	script := os.Getenv(scriptVariable)
	if script == "" {
		os.Exit(m.Run())
	}
	inside, exit, err := sandbox.Enter(sandbox.Options{User: os.Getenv(userVariable) != ""})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if inside {
		exit = scripts[script]()
	}
	os.Exit(exit)
}

// scripts are what the program does inside.
var scripts = map[string]func() int{
	"facts":     facts,
	"exit 7":    func() int { return 7 },
	"kill self": func() int { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); return forever() },
	"wait":      func() int { fmt.Println("ready: yes"); return forever() },
	"await terminate": func() int {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		fmt.Println("ready: yes")
		fmt.Println("signal:", <-signals)
		return 3
	},
	"orphan":       orphan,
	"again inside": func() int { return again("facts") },
	// The limit is that of the user namespace it is written in.
	"forbid user namespaces": func() int {
		must(os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0))
		must(os.Unsetenv(sandbox.Variable))
		return again("facts")
	},
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// facts prints what the program finds around it, after writing and mounting what it likes.
func facts() int {
	lo, err := net.InterfaceByName("lo")
	must(err)
	interfaces, err := net.Interfaces()
	must(err)
	run, err := filepath.Glob("/run/*")
	must(err)
	const forwarding = "/proc/sys/net/ipv4/ip_forward"
	must(os.WriteFile(forwarding, []byte("1"), 0))
	forwards, err := os.ReadFile(forwarding)
	must(err)
	must(syscall.Mount("tmpfs", "/run/netns", "tmpfs", 0, ""))

	fmt.Println("uid:", os.Getuid())
	fmt.Println("parent:", os.Getppid())
	fmt.Println("interfaces:", len(interfaces))
	fmt.Println("lo up:", lo.Flags&net.FlagUp != 0)
	fmt.Println("run:", strings.Join(run, " "))
	fmt.Println("ip_forward:", strings.TrimSpace(string(forwards)))
	for _, kind := range []string{"user", "mnt", "net", "pid"} {
		fmt.Println(kind+":", namespace(kind))
	}
	return 0
}

// forever sleeps, because a program that only blocks is ended by the runtime.
func forever() int {
	for {
		time.Sleep(time.Hour)
	}
}

// orphan leaves a process without a parent behind and returns when nothing of it is left.
func orphan() int {
	out, err := exec.Command("sh", "-c", "sleep 0.1 >/dev/null & echo $!").Output()
	must(err)
	for pid := strings.TrimSpace(string(out)); ; {
		if _, err := os.Stat("/proc/" + pid); errors.Is(err, os.ErrNotExist) {
			return 0
		}
	}
}

// again runs the program once more from inside.
func again(script string) int {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), scriptVariable+"="+script)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return cmd.ProcessState.ExitCode()
	}
	return 0
}

func namespace(kind string) string {
	id, err := os.Readlink("/proc/self/ns/" + kind)
	must(err)
	return id
}

// who are the callers a sandbox is for. Where the tests are not root there is one kind only.
func who() map[string]func(*exec.Cmd) {
	if !sandbox.Privileged() {
		return map[string]func(*exec.Cmd){"a user": asIs}
	}
	return map[string]func(*exec.Cmd){
		"root":                       asIs,
		"root with a user namespace": askForUserNamespace,
		"nobody": func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		},
	}
}

func asIs(*exec.Cmd) {}

func askForUserNamespace(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, userVariable+"=1") }

// caller prepares the program; its standard error ends up in the test's log.
func caller(t *testing.T, script string, as func(*exec.Cmd)) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), scriptVariable+"="+script)
	cmd.Stderr = t.Output()
	as(cmd)
	return cmd
}

// run runs the program to its end and returns its exit code and what it printed.
func run(t *testing.T, cmd *exec.Cmd) (exit int, printed map[string]string) {
	t.Helper()
	out, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatalf("run the program: %v", err)
	}
	return cmd.ProcessState.ExitCode(), parse(out)
}

func parse(out []byte) map[string]string {
	printed := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		printed[name] = value
	}
	return printed
}

// startReady starts the program and returns once it has said that it is ready.
func startReady(t *testing.T, cmd *exec.Cmd) *bufio.Reader {
	t.Helper()
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	if line, err := out.ReadString('\n'); line != "ready: yes\n" {
		t.Fatalf("the program said %q: %v", line, err)
	}
	return out
}

func TestEverythingInsideIsPrivate(t *testing.T) {
	for name, as := range who() {
		t.Run(name, func(t *testing.T) {
			before := hostState(t)
			exit, got := run(t, caller(t, "facts", as))
			if exit != 0 {
				t.Fatalf("exit code %d", exit)
			}
			for fact, want := range map[string]string{
				"uid": "0", "parent": "1", "interfaces": "1", "lo up": "true",
				"run": "/run/netlab /run/netns", "ip_forward": "1",
			} {
				if got[fact] != want {
					t.Errorf("%s is %q, want %q", fact, got[fact], want)
				}
			}
			for _, kind := range []string{"mnt", "net", "pid"} {
				if got[kind] == "" || got[kind] == namespace(kind) {
					t.Errorf("the %s namespace is %q, the caller's own", kind, got[kind])
				}
			}
			if shared := got["user"] == namespace("user"); shared != (name == "root") {
				t.Errorf("user namespace %s is the caller's: %t", got["user"], shared)
			}
			if after := hostState(t); after != before {
				t.Errorf("the machine changed from\n%s\nto\n%s", before, after)
			}
		})
	}
}

// hostState is what a sandbox might change outside.
func hostState(t *testing.T) string {
	t.Helper()
	var state strings.Builder
	for _, file := range []string{"/proc/self/mountinfo", "/proc/sys/net/ipv4/ip_forward"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		state.Write(content)
	}
	return state.String()
}

func TestTheExitCodeComesOut(t *testing.T) {
	for script, want := range map[string]int{"exit 7": 7, "kill self": 128 + 9} {
		if got, _ := run(t, caller(t, script, asIs)); got != want {
			t.Errorf("%s: exit code %d, want %d", script, got, want)
		}
	}
}

func TestASignalReachesTheProgramInside(t *testing.T) {
	for name, as := range who() {
		t.Run(name, func(t *testing.T) {
			cmd := caller(t, "await terminate", as)
			out := startReady(t, cmd)
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(out)
			if err != nil || string(rest) != "signal: terminated\n" {
				t.Errorf("the program said %q: %v", rest, err)
			}
			if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
				t.Errorf("exit: %s, want code 3", cmd.ProcessState)
			}
		})
	}
}

// The pipe ends only when the last process that can write to it has ended.
func TestNothingOutlivesTheCaller(t *testing.T) {
	for name, as := range who() {
		t.Run(name, func(t *testing.T) {
			cmd := caller(t, "wait", as)
			out := startReady(t, cmd)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
				t.Errorf("the program said %q: %v", rest, err)
			}
			_ = cmd.Wait()
		})
	}
}

func TestOrphansAreReaped(t *testing.T) {
	if exit, _ := run(t, caller(t, "orphan", asIs)); exit != 0 {
		t.Errorf("exit code %d", exit)
	}
}

func TestASandboxIsEnteredOnlyOnce(t *testing.T) {
	exit, got := run(t, caller(t, "again inside", asIs))
	if exit != 0 || got["parent"] == "1" {
		t.Errorf("exit code %d, parent %s: another sandbox was made", exit, got["parent"])
	}
}

func TestAMarkerOfAnotherSandboxIsNotBelieved(t *testing.T) {
	for _, marker := range []string{"pid:[1]", "init", ""} {
		cmd := caller(t, "facts", asIs)
		cmd.Env = append(cmd.Env, sandbox.Variable+"="+marker)
		if exit, got := run(t, cmd); exit != 0 || got["parent"] != "1" {
			t.Errorf("marker %q: exit code %d, parent %q: no sandbox was made", marker, exit, got["parent"])
		}
	}
}

func TestARefusalNamesTheSetting(t *testing.T) {
	var said bytes.Buffer
	cmd := caller(t, "forbid user namespaces", askForUserNamespace)
	cmd.Stderr = &said
	exit, _ := run(t, cmd)
	const want = "start a sandbox: fork/exec /proc/self/exe: no space left on device: " +
		"user namespaces are forbidden by user.max_user_namespaces=0; use sudo, or: sysctl -w user.max_user_namespaces=1000\n"
	if exit != 1 || said.String() != want {
		t.Errorf("exit code %d, said\n%s\nwant\n%s", exit, said.String(), want)
	}
}
