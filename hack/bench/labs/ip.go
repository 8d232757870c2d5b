// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// oneByOne runs the commands a tutorial would have for the lab, each in a process.
func oneByOne(ctx context.Context, b *bench, _ *result) (contender, error) {
	run := func(ops []state.Op) func() error {
		commands := commandsOf(ops)
		return func() error {
			for _, command := range commands {
				if err := execute(ctx, "", strings.Fields(command)...); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return ipContender(b, run)
}

// batched runs the same commands with as few processes as ip can do with: one file of them per
// namespace, and a process for each setting.
func batched(ctx context.Context, b *bench, _ *result) (contender, error) {
	run := func(ops []state.Op) func() error {
		commands := commandsOf(ops)
		return func() error { return runBatches(ctx, commands) }
	}
	return ipContender(b, run)
}

func ipContender(b *bench, run func([]state.Op) func() error) (contender, error) {
	return contender{
		build: run(b.build()), edit: run(b.change()), repair: run(b.repair()), tearDown: run(b.tearDown()),
		prepare: func(ops []state.Op) error { return run(ops)() },
	}, os.MkdirAll(state.SymlinkDir, 0o755)
}

func runBatches(ctx context.Context, commands []string) error {
	var order []string
	batches := map[string]*strings.Builder{}
	for _, command := range commands {
		namespace, rest := splitNamespace(command)
		if namespace == "" && !strings.HasPrefix(command, "ip ") {
			continue
		}
		if batches[namespace] == nil {
			order = append(order, namespace)
			batches[namespace] = &strings.Builder{}
		}
		batches[namespace].WriteString(rest + "\n")
	}
	for _, namespace := range order {
		args := []string{"ip", "-batch", "-"}
		if namespace != "" {
			args = []string{"ip", "-n", namespace, "-batch", "-"}
		}
		if err := execute(ctx, batches[namespace].String(), args...); err != nil {
			return err
		}
	}
	return runSettings(ctx, commands)
}

// runSettings runs what is no command of ip's own.
func runSettings(ctx context.Context, commands []string) error {
	for _, command := range commands {
		if strings.HasPrefix(command, "ip netns exec ") {
			if err := execute(ctx, "", strings.Fields(command)...); err != nil {
				return err
			}
		}
	}
	return nil
}

// splitNamespace takes "ip" and "-n NAME" off a command.
func splitNamespace(command string) (namespace, rest string) {
	rest = strings.TrimPrefix(command, "ip ")
	if after, ok := strings.CutPrefix(rest, "-n "); ok {
		namespace, rest, _ = strings.Cut(after, " ")
	}
	if strings.HasPrefix(rest, "netns exec ") {
		return "", ""
	}
	return namespace, rest
}

func execute(ctx context.Context, input string, args ...string) error {
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Stdin = strings.NewReader(input)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, output)
	}
	return nil
}

// commandsOf are the commands for operations, without what only NetLab writes. ip finds
// namespaces by the names that ip netns gave them.
func commandsOf(ops []state.Op) []string {
	var commands []string
	for i, op := range ops {
		switch op := op.(type) {
		case state.CreateNamespace:
			commands = append(commands, "ip netns add "+op.Name)
		case state.DeleteNamespace:
			commands = append(commands, "ip netns delete "+op.Name)
		case state.AddLink:
			commands = append(commands, cable(i, op)...)
		case state.SetSysctl:
			if op.Link == "" && (op.Setting == state.IPv4Forwarding || op.Setting == state.IPv6Forwarding) {
				commands = append(commands, fmt.Sprintf("ip netns exec %s sysctl -qw %s=%s", op.Namespace, op.SettingKey, op.Value))
			}
		case state.AddSymlink, state.DeleteSymlink, state.DeleteLink:
		default:
			commands = append(commands, op.String())
		}
	}
	return commands
}

// cable makes a pair where the command runs and moves both ends, as tutorials do.
func cable(number int, op state.AddLink) []string {
	a, b := fmt.Sprintf("va%d", number), fmt.Sprintf("vb%d", number)
	return []string{
		fmt.Sprintf("ip link add %s type veth peer name %s", a, b),
		fmt.Sprintf("ip link set %s netns %s name %s", a, op.Ends[0].Namespace, op.Ends[0].Name),
		fmt.Sprintf("ip link set %s netns %s name %s", b, op.Ends[1].Namespace, op.Ends[1].Name),
	}
}
