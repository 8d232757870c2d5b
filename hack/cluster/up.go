// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

type upOptions struct {
	dir      directory
	nodes    int
	programs string
	pause    string
	timeout  time.Duration
}

func upCommand(dir *directory) *cobra.Command {
	var o upOptions
	command := &cobra.Command{
		Use:   "up",
		Short: "Start a cluster and wait until its nodes are Ready",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			o.dir = *dir
			if err := up(command.Context(), o); err != nil {
				return fmt.Errorf("up: %w", err)
			}
			fmt.Fprintln(command.OutOrStdout(), dir.kubeconfig())
			return nil
		},
	}
	flags := command.Flags()
	flags.IntVar(&o.nodes, "nodes", 3, "how many nodes")
	flags.StringVar(&o.programs, "programs", "", "where the Kubernetes programs are (default $KUBEBUILDER_ASSETS, else built)")
	flags.StringVar(&o.pause, "pause", "", "the image that keeps a pod's namespaces, as a tar (default "+pauseImage+", built if it is not there)")
	flags.DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long starting may take")
	return command
}

func up(ctx context.Context, o upOptions) error {
	common, err := o.check()
	if err != nil {
		return err
	}
	lock, err := o.dir.takeLock()
	if err != nil {
		return err
	}
	defer lock.Close()
	start := time.Now()
	if err := o.layOut(ctx, common); err != nil {
		return err
	}
	supervisor, err := startSupervisor(common, lock)
	if err != nil {
		return err
	}
	// Stopping is for the case that starting was given up, so it cannot share its deadline.
	if err := o.boot(ctx, supervisor); err != nil {
		_ = supervisor.Process.Signal(syscall.SIGTERM) // it may be what has failed, and ended
		return errors.Join(err, lock.Close(), o.dir.down(context.WithoutCancel(ctx)))
	}
	fmt.Fprintf(os.Stderr, "cluster: %d nodes Ready after %.1f s\n", o.nodes, time.Since(start).Seconds())
	fmt.Fprintln(os.Stderr, "cluster: next: make cluster-deploy installs NetLab, make cluster-shell opens a shell with kubectl, make cluster-down removes everything")
	return nil
}

// check finds everything that a cluster needs before anything is changed.
func (o *upOptions) check() (common node, err error) {
	common.Directory = o.dir
	if o.nodes < 0 || o.nodes > mostNodes {
		return common, fmt.Errorf("%d nodes: it can be 0 to %d", o.nodes, mostNodes)
	}
	if err := o.dir.check(); err != nil {
		return common, err
	}
	if err := checkSystemPrograms(); err != nil {
		return common, err
	}
	if common.CNIPlugins, err = findCNIPlugins(); err != nil {
		return common, err
	}
	if o.pause, err = findPauseImage(o.pause); err != nil {
		return common, err
	}
	if common.PauseImage, err = imageName(o.pause); err != nil {
		return common, err
	}
	common.Programs, err = findPrograms(o.programs)
	return common, err
}

// layOut removes what a killed cluster left, and writes what the supervisor starts with.
func (o upOptions) layOut(ctx context.Context, common node) error {
	if err := o.dir.clear(ctx); err != nil {
		return err
	}
	if err := o.dir.checkOverlay(); err != nil {
		return err
	}
	if err := o.dir.writeIdentities(); err != nil {
		return err
	}
	if err := os.Symlink(common.Programs, o.dir.programs()); err != nil {
		return err
	}
	if err := os.Mkdir(o.dir.images(), 0o700); err != nil {
		return err
	}
	_, err := o.dir.keepImage(o.pause)
	return err
}

// checkOverlay mounts an overlay on the directory, as containerd will for every container.
func (d directory) checkOverlay() (err error) {
	trial := d.path("overlay")
	for _, dir := range []string{"lower", "upper", "work", "merged"} {
		if err := os.MkdirAll(d.path("overlay", dir), 0o700); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, os.RemoveAll(trial)) }()
	mount := exec.Command("unshare", "--mount", "mount", "-t", "overlay", "overlay",
		"-o", "lowerdir=lower,upperdir=upper,workdir=work", "merged")
	mount.Dir = trial
	if output, err := mount.CombinedOutput(); err != nil {
		return fmt.Errorf("overlayfs cannot write to %s: choose a place on another file system with --dir: %w: %s", d, err, output)
	}
	return nil
}

// startSupervisor starts it in a session of its own, so that no terminal ends it.
func startSupervisor(common node, lock *os.File) (*exec.Cmd, error) {
	output, err := os.Create(common.Directory.log())
	if err != nil {
		return nil, err
	}
	defer output.Close()
	supervisor := itself("supervise", "--dir", string(common.Directory), "--programs", common.Programs,
		"--cni-plugins", common.CNIPlugins, "--pause-image", common.PauseImage)
	supervisor.Stdin, supervisor.Stdout, supervisor.Stderr = lock, output, output
	supervisor.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := supervisor.Start(); err != nil {
		return nil, fmt.Errorf("start the supervisor: %w", err)
	}
	return supervisor, nil
}

// boot has the supervisor start everything, and gives up when the supervisor ends.
func (o upOptions) boot(ctx context.Context, supervisor *exec.Cmd) error {
	ctx, giveUp := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not done after %s", o.timeout))
	defer giveUp()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { cancel(fmt.Errorf("the supervisor ended (%w)", ended(supervisor))) }()

	err := poll(ctx, 10*time.Millisecond, func(context.Context) error {
		_, err := o.dir.supervisor()
		return err
	})
	if err == nil {
		err = o.dir.ask(ctx, "/boot?nodes="+strconv.Itoa(o.nodes))
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, o.dir.lastLines())
	}
	return nil
}

func ended(program *exec.Cmd) error {
	if err := program.Wait(); err != nil {
		return err
	}
	return errors.New("exit status 0")
}

// lastLines is the end of every log, for a cluster that did not start: with it its logs go.
func (d directory) lastLines() string {
	// All but the audit log, whose lines are long and about something else.
	tail := exec.Command("sh", "-c", `tail -n 5 [!a]*.log nodes/*/*.log nodes/*/var/log/*.log`)
	tail.Dir = string(d)
	tail.Stderr = io.Discard
	output, _ := tail.Output() // what there is
	return string(output)
}
