// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/nodeexec"
)

// defaultImage is what exec runs commands in: small, official, and its ip, ping, traceroute, nc
// and sh are enough to look around.
const defaultImage = "busybox:1.37"

// execOptions are the flags of exec. All but stdin and tty are for clusters.
type execOptions struct {
	where
	image                 string
	podNamespace          string
	stdin, tty            bool
	timeLimit, startLimit time.Duration
}

// clusterFlags are the flags of exec that cannot be used with --local.
var clusterFlags = []string{"image", "node", "pod-namespace", "agent-namespace", "time-limit", "pod-running-timeout"}

func (a *app) execCommand() *cobra.Command {
	var o execOptions
	cmd := &cobra.Command{
		Use:   "exec NAME NODE [--image IMAGE] [-i] [-t] -- COMMAND",
		Short: "Run a command in a node's network namespace",
		Long: `Run a command in a node's network namespace, and exit with its exit code.

With --local, the command is a program of this machine and sees the machine's files, including
/sys. For the /sys of the network namespace, use ip netns exec NAMESPACE.NAME.NODE.

Without --local, the command is a program of a container image. It runs in a privileged Pod on a
node of the cluster, as root of that node; only its network is the lab's. exec deletes the Pod
afterwards. To list Pods that a crash left behind: kubectl -n netlab-system get pods -l
app.kubernetes.io/name=netlab-exec`,
		Example: `  kubectl netlab --local exec routed-pair ns1 -- ip route
  kubectl netlab exec routed-pair ns1 --node worker-2 -- ip route
  kubectl netlab exec routed-pair ns1 -it --image nicolaka/netshoot -- bash`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() != 2 || len(args) < 3 {
				return errors.New("specify NAME and NODE, and the command after --")
			}
			return a.checkExecFlags(cmd, o)
		},
		RunE: a.verb(func(cmd *cobra.Command, args []string) error {
			if a.local {
				return a.exec(cmd, args[0], args[1], args[2:])
			}
			return a.clusterExec(cmd, args[0], args[1], args[2:], o)
		}),
		ValidArgsFunction: beforeDash(func() bool { return a.local }, a.completeLab(nodeNames)),
	}
	o.flags(a, cmd)
	return cmd
}

func (o *execOptions) flags(a *app, cmd *cobra.Command) {
	a.whereFlags(cmd, &o.where)
	flags := cmd.Flags()
	flags.StringVar(&o.image, "image", defaultImage, "image to run the command in")
	flags.StringVar(&o.podNamespace, "pod-namespace", nodeexec.AgentNamespace, "namespace of the Pod that runs the command; it must admit privileged Pods")
	flags.BoolVarP(&o.stdin, "stdin", "i", false, "pass standard input to the command (always with --local)")
	flags.BoolVarP(&o.tty, "tty", "t", false, "give the command a terminal (with --local it has this one)")
	flags.DurationVar(&o.timeLimit, "time-limit", time.Hour, "time after which the cluster ends the Pod, even without this program")
	flags.DurationVar(&o.startLimit, "pod-running-timeout", time.Minute, "how long to wait until the Pod runs")
}

func (a *app) checkExecFlags(cmd *cobra.Command, o execOptions) error {
	for _, name := range clusterFlags {
		if a.local && cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s cannot be used with --local", name)
		}
	}
	if o.timeLimit < time.Second {
		return errors.New("--time-limit must be at least 1s")
	}
	return nil
}

// exec replaces this program by the command. After execve only the calling thread is left, so the
// command runs in that thread's network namespace, and its signals and exit code are its own.
func (a *app) exec(cmd *cobra.Command, name, node string, command []string) error {
	m, err := a.machine()
	if err != nil {
		return err
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	return m.Exec(cmd.Context(), a.labNamespace(), name, node, func() error {
		if err := a.execve(path, command, os.Environ()); err != nil {
			return fmt.Errorf("run %s: %w", path, err)
		}
		return nil
	})
}
