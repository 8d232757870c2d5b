// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

type contender interface {
	start() error
	end() (result, error)
}

type result struct {
	dropped int
	cpu     time.Duration
	copies  copies
}

// program is a running one and what it says.
type program struct {
	*exec.Cmd
	says bytes.Buffer
}

func startProgram(cmd *exec.Cmd) (*program, error) {
	p := &program{Cmd: cmd}
	p.Stdout, p.Stderr = &p.says, &p.says
	return p, p.Start()
}

func (p *program) stop() (time.Duration, error) {
	if err := p.Process.Signal(os.Interrupt); err != nil {
		return 0, err
	}
	if err := p.Wait(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, &p.says)
	}
	return p.ProcessState.UserTime() + p.ProcessState.SystemTime(), nil
}

// dropped reads the number before a text.
func (p *program) dropped(text string) (int, error) {
	m := regexp.MustCompile(`(\d+) ` + text).FindSubmatch(p.says.Bytes())
	if m == nil {
		return 0, fmt.Errorf("no drops in %q", &p.says)
	}
	return strconv.Atoi(string(m[1]))
}

// listening waits until each interface of the path has a packet socket.
func listening() error {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		sockets := 0
		for _, e := range path {
			out, err := inNamespace(e.node, "cat", "/proc/net/packet").Output()
			if err != nil {
				return err
			}
			want := 1
			if e.node[0] == 'r' {
				want = 2
			}
			if bytes.Count(out, []byte("\n"))-1 >= want {
				sockets++
			}
		}
		if sockets == len(path) {
			time.Sleep(300 * time.Millisecond) // from the socket to its filter and ring
			return nil
		}
	}
	return errors.New("no packet sockets after 10 s")
}

// netlab is this project's capture.
type netlab struct {
	options
	file    string
	running *program
}

func (*netlab) String() string { return "capture --path" }

func (n *netlab) start() (err error) {
	n.running, err = startProgram(exec.Command(n.program, "--local", "capture", "bench-capture", "--path", "h1", "h2", "--filter", fmt.Sprintf("udp port %d", port), "-w", n.file))
	if err != nil {
		return err
	}
	return listening()
}

func (n *netlab) end() (r result, err error) {
	if r.cpu, err = n.running.stop(); err != nil {
		return r, err
	}
	if r.dropped, err = n.running.dropped("dropped"); err != nil {
		return r, err
	}
	r.copies = copies{}
	return r, r.copies.read(n.file, true, func(name string) string { return name })
}

// tcpdump is one process for each interface.
type tcpdump struct {
	dir     string
	running []*program
}

func (*tcpdump) String() string { return "10 × tcpdump" }

func (d *tcpdump) file(e end) string { return filepath.Join(d.dir, e.node+"-"+e.link+".pcap") }

func (d *tcpdump) start() error {
	for _, e := range path {
		p, err := startProgram(inNamespace(e.node, "tcpdump", "-Z", "root", "--time-stamp-precision=nano", "-i", e.link, "-w", d.file(e), fmt.Sprintf("udp port %d", port)))
		if err != nil {
			return err
		}
		d.running = append(d.running, p)
	}
	return listening()
}

func (d *tcpdump) end() (r result, err error) {
	r.copies = copies{}
	for i, p := range d.running {
		cpu, err := p.stop()
		if err != nil {
			return r, err
		}
		r.cpu += cpu
		dropped, err := p.dropped("packets? dropped by kernel")
		if err != nil {
			return r, err
		}
		r.dropped += dropped
		e := path[i]
		if err := r.copies.read(d.file(e), false, func(string) string { return e.node + ":" + e.link }); err != nil {
			return r, err
		}
	}
	return r, nil
}

// reader opens a file for copies.
func reader(file string, read func(io.Reader) error) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return read(f)
}
