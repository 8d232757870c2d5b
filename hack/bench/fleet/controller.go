// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// restartPause is how long the controller stays away after it has ended.
const restartPause = time.Second

// controller is the real program, started again when it ends, as a kubelet does: it ends by
// itself when it cannot renew its Lease in time, as happens on a machine that has too much to do.
type controller struct {
	program, kubeconfig string
	log                 *os.File
	ended               chan struct{}

	mu       sync.Mutex
	running  *exec.Cmd
	past     usage
	restarts int
}

// buildController builds the program and gives it the rights of its service account.
func buildController(c *apiServer, root string) (*controller, error) {
	build := exec.Command("go", "build", "-o", c.dir+"/", "./cmd/netlab-controller")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the controller: %w\n%s", err, out)
	}
	user, err := c.api.AddUser(envtest.User{Name: account("netlab-controller"), Groups: groups}, nil)
	if err != nil {
		return nil, fmt.Errorf("make a user of the controller: %w", err)
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		return nil, fmt.Errorf("make a kubeconfig of the controller: %w", err)
	}
	p := &controller{program: filepath.Join(c.dir, "netlab-controller"), kubeconfig: filepath.Join(c.dir, "kubeconfig"), ended: make(chan struct{})}
	if err := os.WriteFile(p.kubeconfig, kubeconfig, 0o600); err != nil {
		return nil, fmt.Errorf("write the controller's kubeconfig: %w", err)
	}
	if p.log, err = os.Create(filepath.Join(c.dir, "log")); err != nil {
		return nil, fmt.Errorf("make the controller's log: %w", err)
	}
	return p, nil
}

// run keeps the program running until ctx ends.
func (p *controller) run(ctx context.Context) {
	defer close(p.ended)
	for ctx.Err() == nil {
		command := exec.CommandContext(ctx, p.program, "--metrics-bind-address=0", "--health-probe-bind-address=0")
		command.Env = append(os.Environ(), "KUBECONFIG="+p.kubeconfig)
		command.Stdout, command.Stderr = p.log, p.log
		if err := p.start(command); err != nil {
			_, _ = fmt.Fprintln(p.log, err)
			return
		}
		_ = command.Wait() // its log says why
		p.account(command)
		time.Sleep(restartPause)
	}
}

func (p *controller) start(command *exec.Cmd) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = command
	return command.Start()
}

// account adds what an ended process took to what was taken before.
func (p *controller) account(ended *exec.Cmd) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restarts++
	p.past.cpu += ended.ProcessState.UserTime() + ended.ProcessState.SystemTime()
	if taken, ok := ended.ProcessState.SysUsage().(*syscall.Rusage); ok {
		p.past.peak = max(p.past.peak, taken.Maxrss<<10)
	}
	p.running = nil
}

// taken is what the program has taken, over all its lives.
func (p *controller) taken() (taken usage, restarts int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken = p.past
	if p.running != nil && p.running.Process != nil {
		if now, err := usageOf(p.running.Process.Pid); err == nil {
			taken.cpu += now.cpu
			taken.peak = max(taken.peak, now.peak)
		}
	}
	return taken, p.restarts
}

// lastWords are the end of its log.
func (p *controller) lastWords() string {
	log, _ := os.ReadFile(p.log.Name())
	return string(log[max(0, len(log)-4096):])
}
