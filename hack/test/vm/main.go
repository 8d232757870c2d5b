// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/netlab-dev/netlab/hack/test/vm/job"
)

const usage = `usage: go run ./hack/test/vm [FLAG…] -- COMMAND…

Runs a command on Debian's kernel in a virtual machine, from the root of the repository.
It prints what the command prints and exits with its exit code.

`

// options are what the command line asks for.
type options struct {
	machine
	files   list
	env     list
	with    list
	without list
	dir     string
	timeout time.Duration
	command []string
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

// Set implements flag.Value.
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		code = 2
	case err != nil:
		fmt.Fprintln(os.Stderr, "vm:", err)
		code = 125 // as of env(1) and docker run: not the command's own
	}
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) (code int, err error) {
	o, err := parse(args)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("the command has not ended within %v", o.timeout))
	defer cancel()
	work, err := os.MkdirTemp("", "netlab-vm-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	kernel, err := kernelDir(ctx)
	if err != nil {
		return 0, err
	}
	o.kernel = path.Join(kernel, "vmlinuz")
	if o.initramfs, err = pack(ctx, o, kernel, work); err != nil {
		return 0, fmt.Errorf("make the machine's files: %w", err)
	}
	o.emulator, o.silence = "qemu-system-x86_64", silence
	return o.machine.run(ctx, work, os.Stdout)
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("vm", flag.ContinueOnError)
	flags.IntVar(&o.memory, "memory", 1024, "the machine's memory in `MiB`")
	flags.IntVar(&o.cpus, "cpus", 2, "how many processors it has")
	flags.BoolVar(&o.steady, "steady", false, "let its clock count instructions and skip what it sleeps: what is measured inside\ndoes not depend on how busy this machine is; there is one processor then")
	flags.StringVar(&o.append, "append", "", "more for the kernel's command line, such as ipv6.disable=1")
	flags.Var(&o.files, "file", "a `PATH` of the repository, file or directory, to have below "+job.Source+"; can be repeated")
	flags.Var(&o.env, "env", "`NAME=VALUE` for the command; can be repeated")
	flags.Var(&o.with, "with", "one more kernel `MODULE` to load; can be repeated")
	flags.Var(&o.without, "without", "a kernel `MODULE` not to load; can be repeated")
	flags.StringVar(&o.dir, "dir", ".", "the `DIRECTORY` of the repository to run the command in")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Minute, "how long the machine may run")
	flags.Usage = func() { fmt.Fprint(flags.Output(), usage); flags.PrintDefaults() }
	err = flags.Parse(args)
	o.command = flags.Args()
	if err == nil && len(o.command) == 0 {
		flags.Usage()
		err = flag.ErrHelp
	}
	return o, err
}
