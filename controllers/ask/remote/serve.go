// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Exit codes of Serve.
const (
	exitAnswered      = 0
	exitNoAnswer      = 1
	exitNotUnderstood = 2
)

// Server answers questions about labs that an agent built on this machine.
type Server struct {
	Machine *ask.Machine
	// Labs lists the labs of this machine.
	Labs func(ctx context.Context) ([]state.Identity, error)
	// Version is sent to the client.
	Version string
}

// Serve answers the question in the arguments, which begin with the verb, and returns the exit code.
func (s *Server) Serve(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	question, err := parse(args)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return exitNotUnderstood
	}
	replies := out
	if args[0] == verbCapture {
		replies = errOut
	}
	encoder := json.NewEncoder(replies)
	reply := func(r Reply) { _ = encoder.Encode(r) } // a client that is gone also ends standard input
	reply(Reply{Version: s.Version})
	if err := s.answer(ctx, question, in, out, reply); err != nil {
		reply(Reply{Error: err.Error()})
		return exitNoAnswer
	}
	return exitAnswered
}

func (s *Server) answer(ctx context.Context, ask question, in io.Reader, out io.Writer, reply func(Reply)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	decoder := json.NewDecoder(in)
	var described v1alpha1.NetLab
	if err := decoder.Decode(&described); err != nil {
		return fmt.Errorf("read the lab's description: %w", err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	s.Machine.Progress = func(step string) { reply(Reply{Progress: step}) }
	lab, err := s.lab(ctx, &described)
	if err != nil {
		return err
	}
	return ask(ctx, lab, out, reply)
}

// lab finds the lab by its UID: a lab of the same name with another UID is another lab.
func (s *Server) lab(ctx context.Context, described *v1alpha1.NetLab) (*ask.Lab, error) {
	id := state.Identity{Namespace: described.Namespace, Name: described.Name, Owner: state.AgentOwner(string(described.UID))}
	lab, err := s.Machine.Lab(id, described.Spec)
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", id, err)
	}
	labs, err := s.Labs(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the labs of this machine: %w", err)
	}
	if !slices.Contains(labs, id) {
		host, _ := os.Hostname() // the pod's name
		return nil, fmt.Errorf("%s is not on this node (agent %s)", id, host)
	}
	return lab, nil
}
