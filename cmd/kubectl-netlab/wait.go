// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/apiclient"
)

func (a *app) waitCommand() *cobra.Command {
	var forGoal string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "wait NAME… [--for CONDITION]",
		Short: "Wait until labs of a cluster are Ready",
		Long: `Wait until labs of a cluster are Ready, have another condition, or are deleted, and show them if not.
Like kubectl wait, but wait ends as soon as every node has a result that only a change of the lab
can improve: with exit code 1, and the cause. A status of an older spec does not count.`,
		Example: `  kubectl netlab wait routed-pair
  kubectl netlab wait routed-pair --for realized
  kubectl netlab wait routed-pair --for condition=Ready=False --timeout 10s`,
		Args: func(cmd *cobra.Command, args []string) error {
			_, err := parseGoal(forGoal)
			return errors.Join(cobra.MinimumNArgs(1)(cmd, args), err)
		},
		RunE: a.verb(func(cmd *cobra.Command, names []string) error {
			wanted, err := parseGoal(forGoal)
			if err != nil {
				return err
			}
			return a.wait(cmd.Context(), names, wanted, timeout)
		}),
		ValidArgsFunction: unless(func() bool { return a.local }, a.completeLabs),
	}
	cmd.Flags().StringVar(&forGoal, "for", v1alpha1.ConditionReady, "what to wait for: delete or [condition=]CONDITION[=True|False|Unknown]")
	timeoutFlag(cmd, &timeout, 30*time.Second)
	complete(cmd, "for", cobra.FixedCompletions(append([]string{goalDelete}, awaitedConditions...), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// timeoutFlag is kubectl's --timeout.
func timeoutFlag(cmd *cobra.Command, timeout *time.Duration, usual time.Duration) {
	cmd.Flags().DurationVar(timeout, "timeout", usual, "how long to wait; 0 means look once, a negative time means a week")
}

// forever is what a negative timeout means to kubectl.
const forever = 7 * 24 * time.Hour

func withTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout < 0 {
		timeout = forever
	}
	return context.WithTimeout(ctx, timeout)
}

func (a *app) wait(ctx context.Context, names []string, wanted goal, timeout time.Duration) error {
	if a.local {
		return errors.New("wait is for labs of a cluster: with --local, up waits for the result of every probe")
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	limited, cancel := withTimeout(ctx, timeout)
	defer cancel()
	var errs []error
	for _, name := range names {
		errs = append(errs, a.waitFor(limited, c, c.key(name), wanted, timeout))
		if ctx.Err() != nil {
			return exitError(exitInterrupted)
		}
	}
	return allFailures(errs)
}

// waitFor shows the lab if it does not reach the goal.
func (a *app) waitFor(ctx context.Context, c *cluster, key apiclient.Key, wanted goal, timeout time.Duration) error {
	seen, err := a.await(ctx, c, key, wanted)
	a.terminal.clear()
	switch {
	case wanted.deleted && apiclient.NotFound(err):
		fmt.Fprintf(a.out, "%s is deleted\n", key)
		return nil
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return err
	case wanted.reached(seen):
		fmt.Fprintf(a.out, "%s is %s\n", key, wanted)
		return nil
	case seen.Deleted:
		return fmt.Errorf("%s was deleted", key)
	case wanted.deleted:
		return fmt.Errorf("%s still exists after %s", key, timeout)
	}
	a.printClusterLab(seen.NetLab)
	if err == nil {
		return errNotReady
	}
	return tooLate(seen.NetLab, wanted, timeout)
}

// tooLate is the error of a wait that ended before the lab did what was waited for.
func tooLate(lab *v1alpha1.NetLab, wanted goal, timeout time.Duration) error {
	if !observed(lab) {
		return fmt.Errorf("%s/%s is not %s after %s: NetLab's controller has not observed generation %d; is it running? kubectl -n netlab-system get pods",
			lab.Namespace, lab.Name, wanted, timeout, lab.Generation)
	}
	return fmt.Errorf("%s/%s is not %s after %s: %s", lab.Namespace, lab.Name, wanted, timeout, condition(lab, v1alpha1.ConditionReady).Reason)
}

// await follows a lab until it reaches the goal or can no longer do so. The lab is as it was last, also
// when the time is over: it is looked at once at least.
func (a *app) await(ctx context.Context, c *cluster, key apiclient.Key, wanted goal) (apiclient.Seen, error) {
	var last apiclient.Seen
	err := c.Follow(ctx, key, func(seen apiclient.Seen) (bool, error) {
		last = seen
		a.terminal.progress(waitingFor(seen.NetLab, wanted))
		return seen.Deleted || wanted.reached(seen) || wanted.hopeless(seen.NetLab), nil
	})
	if last.NetLab != nil || !errors.Is(err, context.DeadlineExceeded) {
		return last, err
	}
	once, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	lab, lookErr := c.Lab(once, key)
	if lookErr != nil {
		return last, lookErr
	}
	last = apiclient.Seen{NetLab: lab}
	if wanted.reached(last) || wanted.hopeless(lab) {
		return last, nil
	}
	return last, err
}

// lookTimeout is the time for a single look at a lab.
const lookTimeout = 10 * time.Second

func waitingFor(lab *v1alpha1.NetLab, wanted goal) string {
	ready := condition(lab, v1alpha1.ConditionReady)
	return fmt.Sprintf("waiting until %s/%s is %s: %s, ready on %s nodes", lab.Namespace, lab.Name, wanted, ready.Reason, lab.Status.Nodes.Summary)
}

// allFailures joins errors. Those without a message have shown the lab and count once.
func allFailures(errs []error) error {
	var said []error
	var quiet error
	for _, err := range errs {
		if exit, ok := errors.AsType[exitError](err); ok {
			quiet = exit
			continue
		}
		said = append(said, err)
	}
	if err := errors.Join(said...); err != nil {
		return err
	}
	return quiet
}
