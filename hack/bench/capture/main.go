// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	rate, seconds int
	program       string
	send          string
}

func main() {
	var o options
	flag.IntVar(&o.rate, "rate", 20000, "datagrams per second")
	flag.IntVar(&o.seconds, "seconds", 5, "duration")
	flag.StringVar(&o.program, "program", "kubectl-netlab", "the plugin")
	flag.StringVar(&o.send, "send", "", "send to this address, and do nothing else")
	flag.Parse()
	run := o.measure
	if o.send != "" {
		run = o.sendTo
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench-capture:", err)
		os.Exit(1)
	}
}

// Datagrams are numbered behind a mark.
const (
	port     = 9
	dataSize = 100
	mark     = "netlab bench"
)

// sendTo sends in bursts of one millisecond. The socket is not connected: an ICMP error would be the result of
// the next datagram.
func (o options) sendTo() error {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return err
	}
	to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(o.send), port))
	defer conn.Close()
	data := append([]byte(mark), make([]byte, dataSize)...)
	began := time.Now()
	for n := range o.rate * o.seconds {
		if due := began.Add(time.Duration(n) * time.Second / time.Duration(o.rate)); n%max(1, o.rate/1000) == 0 {
			time.Sleep(time.Until(due))
		}
		binary.BigEndian.PutUint32(data[len(mark):], uint32(n))
		if _, err := conn.WriteTo(data, to); err != nil {
			return err
		}
	}
	return nil
}

// end is one end of a link.
type end struct{ node, link string }

var path = []end{
	{"h1", "l1"}, {"r1", "l1"}, {"r1", "l2"}, {"r2", "l2"}, {"r2", "l3"}, {"r3", "l3"}, {"r3", "l4"}, {"r4", "l4"}, {"r4", "l5"}, {"h2", "l5"},
}

const lab = `apiVersion: netlab.dev/v1alpha1
kind: NetLab
metadata: {name: bench-capture}
spec:
  namespaces: [{name: h1}, {name: h2}]
  routers: [{name: r1}, {name: r2}, {name: r3}, {name: r4}]
  subnets: [{name: s1, cidrs: [10.0.1.0/24]}, {name: s2, cidrs: [10.0.2.0/24]}, {name: s3, cidrs: [10.0.3.0/24]}, {name: s4, cidrs: [10.0.4.0/24]}, {name: s5, cidrs: [10.0.5.0/24]}]
  links:
  - {name: l1, subnet: s1, endpoints: [{name: h1}, {name: r1}]}
  - {name: l2, subnet: s2, endpoints: [{name: r1}, {name: r2}]}
  - {name: l3, subnet: s3, endpoints: [{name: r2}, {name: r3}]}
  - {name: l4, subnet: s4, endpoints: [{name: r3}, {name: r4}]}
  - {name: l5, subnet: s5, endpoints: [{name: r4}, {name: h2}]}
  probes: [{name: h1-h2, from: h1, to: h2}]
`

const target = "10.0.5.1"

func namespace(node string) string { return "default.bench-capture." + node }

func (o options) measure() error {
	dir, err := os.MkdirTemp("", "bench-capture")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "lab.yaml"), []byte(lab), 0o600); err != nil {
		return err
	}
	if err := o.output("--local", "up", "-f", filepath.Join(dir, "lab.yaml")); err != nil {
		return err
	}
	defer func() { _ = o.output("--local", "down", "bench-capture") }()
	fmt.Printf("%d datagrams/s for %d s over %d interfaces\n\n", o.rate, o.seconds, len(path))
	fmt.Printf("%-20s %9s %9s %9s %9s %8s\n", "", "sent", "copies", "dropped", "in order", "CPU")
	for _, c := range []contender{&netlab{options: o, file: filepath.Join(dir, "path.pcapng")}, &tcpdump{dir: dir}} {
		if err := o.compete(c); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

func (o options) output(args ...string) error {
	if out, err := exec.Command(o.program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// compete sends while a contender captures, and prints what it has.
func (o options) compete(c contender) error {
	if err := c.start(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err == nil {
		err = inNamespace("h1", self, "-send", target, "-rate", fmt.Sprint(o.rate), "-seconds", fmt.Sprint(o.seconds)).Run()
	}
	time.Sleep(time.Second) // tcpdump does not read what is in its ring when it is interrupted
	r, endErr := c.end()
	if err != nil || endErr != nil {
		return fmt.Errorf("%w%w", err, endErr)
	}
	copies, inOrder := r.copies.count()
	fmt.Printf("%-20s %9d %9d %9d %8.2f%% %8s\n", c, o.rate*o.seconds, copies, r.dropped, 100*float64(inOrder)/float64(o.rate*o.seconds), r.cpu.Round(10*time.Millisecond))
	return nil
}

func inNamespace(node string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", namespace(node)}, args...)...)
}
