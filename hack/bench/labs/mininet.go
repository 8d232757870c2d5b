// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/netlab-dev/netlab/controllers/state"
)

// mininetRoot is where hack/bench/labs/deps.sh unpacked Mininet and what it calls.
var mininetRoot = os.Getenv("NETLAB_MININET")

//go:embed mininet.py
var mininetScript string

// mininetLab is a lab as mininet.py reads it.
type mininetLab struct {
	Nodes    []string            `json:"nodes"`
	Switches []string            `json:"switches"`
	Links    [][2]mininetEnd     `json:"links"`
	Commands map[string][]string `json:"commands"`
}

type mininetEnd struct {
	Node string `json:"node"`
	Name string `json:"name"`
}

// mininet builds and tears down in one process, which keeps a shell per node in between. It has no
// notion of comparing or repairing.
func mininet(ctx context.Context, b *bench, _ *result) (contender, error) {
	if mininetRoot == "" {
		return contender{}, errors.New("NETLAB_MININET is not set: start this through make bench")
	}
	dir, err := os.MkdirTemp("", "netlab-bench-")
	if err != nil {
		return contender{}, err
	}
	script, topo := filepath.Join(dir, "lab.py"), filepath.Join(dir, "lab.json")
	content, err := json.Marshal(mininetLabOf(b.build()))
	if err := errors.Join(err, os.WriteFile(script, []byte(mininetScript), 0o644), os.WriteFile(topo, content, 0o644)); err != nil {
		return contender{}, err
	}
	p, err := startMininet(ctx, script, topo)
	if err != nil {
		return contender{}, err
	}
	tearDown := func() error { return errors.Join(p.step("stop"), p.finish()) }
	return contender{
		build: func() error { return p.step("build") }, tearDown: tearDown,
		others: func() time.Duration { return cpuOf(p.command.Process.Pid) },
		finish: func() error { return os.RemoveAll(dir) },
	}, nil
}

// process is a running mininet.py.
type process struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func startMininet(ctx context.Context, script, topo string) (*process, error) {
	command := exec.CommandContext(ctx, "/usr/bin/python3", script, topo)
	command.Env = append(os.Environ(),
		"PYTHONPATH="+mininetRoot+"/usr/lib/python3/dist-packages",
		"PATH="+mininetRoot+"/usr/bin:"+mininetRoot+"/sbin:"+os.Getenv("PATH"))
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &process{command, in, bufio.NewReader(out)}, command.Start()
}

func (p *process) step(name string) error {
	if _, err := fmt.Fprintln(p.in, name); err != nil {
		return err
	}
	line, err := p.out.ReadString('\n')
	if err == nil && line != "done\n" {
		err = fmt.Errorf("it said %q", line)
	}
	return err
}

func (p *process) finish() error { return errors.Join(p.in.Close(), p.command.Wait()) }

// mininetLabOf translates a plan. Nodes are called by their numbers: Mininet makes names of
// interfaces of them, which are short. A switch's ports are in the root namespace there.
func mininetLabOf(ops []state.Op) mininetLab {
	l := mininetLab{Nodes: []string{}, Switches: []string{}, Commands: map[string][]string{}}
	names, switches := map[string]string{}, map[string]bool{}
	for _, op := range ops {
		if bridge, ok := op.(state.AddBridge); ok {
			switches[bridge.Namespace] = true
		}
	}
	for i, op := range ops {
		switch op := op.(type) {
		case state.CreateNamespace:
			if switches[op.Name] {
				names[op.Name] = fmt.Sprintf("s%d", i)
				l.Switches = append(l.Switches, names[op.Name])
			} else {
				names[op.Name] = fmt.Sprintf("n%d", i)
				l.Nodes = append(l.Nodes, names[op.Name])
			}
		case state.AddLink:
			var link [2]mininetEnd
			for side, end := range op.Ends {
				link[side] = mininetEnd{names[end.Namespace], end.Name}
				if switches[end.Namespace] {
					link[side].Name = fmt.Sprintf("%s-%d", names[end.Namespace], i)
				}
			}
			l.Links = append(l.Links, link)
		case state.AddAddress:
			l.command(names, op.Namespace, "ip address add %s dev %s", op.Prefix, op.Link)
		case state.ReplaceRoute:
			l.route(names, op)
		case state.SetSysctl:
			if op.Link == "" && op.Setting == state.IPv4Forwarding {
				l.command(names, op.Namespace, "sysctl -qw %s=%s", op.SettingKey, op.Value)
			}
		default: // Mininet does it by itself, or nothing asks for it
		}
	}
	return l
}

func (l mininetLab) command(names map[string]string, namespace, format string, args ...any) {
	l.Commands[names[namespace]] = append(l.Commands[names[namespace]], fmt.Sprintf(format, args...))
}

func (l mininetLab) route(names map[string]string, op state.ReplaceRoute) {
	_, rest := splitNamespace(op.String())
	l.command(names, op.Namespace, "ip %s", rest)
}
