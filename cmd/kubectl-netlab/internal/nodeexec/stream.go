// SPDX-License-Identifier: Apache-2.0

package nodeexec

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
)

// Cluster is a connection to an API server.
type Cluster struct {
	config *rest.Config
	core   typedcorev1.CoreV1Interface
}

// New returns a Cluster without contacting it.
func New(config *rest.Config) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // the API server defends itself; a limit here would only fail the waits
	core, err := typedcorev1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connect to the API server: %w", err)
	}
	return &Cluster{config, core}, nil
}

// Streams are the standard files of a program. A nil one is closed.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// TTY gives it a terminal; then there is no Err, and Sizes, unless nil, is asked for the
	// terminal's sizes.
	TTY   bool
	Sizes remotecommand.TerminalSizeQueue
}

// Exec runs a program in a container until it ends or ctx is done, which does not end the
// program. The error is exec.CodeExitError of k8s.io/client-go/util/exec for any exit code but 0.
func (c *Cluster) Exec(ctx context.Context, pod *corev1.Pod, container string, command []string, s Streams) error {
	if s.TTY {
		s.Err = nil
	}
	url := c.core.RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: container, Command: command,
			Stdin: s.In != nil, Stdout: s.Out != nil, Stderr: s.Err != nil, TTY: s.TTY,
		}, scheme.ParameterCodec).URL()
	socket, err := remotecommand.NewWebSocketExecutor(c.config, "GET", url.String())
	if err != nil {
		return err
	}
	spdy, err := remotecommand.NewSPDYExecutor(c.config, "POST", url)
	if err != nil {
		return err
	}
	executor, err := remotecommand.NewFallbackExecutor(socket, spdy, withoutWebSocket)
	if err != nil {
		return err
	}
	return explainForbidden(executor.StreamWithContext(ctx, remotecommand.StreamOptions{
		Stdin: s.In, Stdout: s.Out, Stderr: s.Err, Tty: s.TTY, TerminalSizeQueue: s.Sizes,
	}))
}

// withoutWebSocket: an older API server or a proxy on the way knows only SPDY.
func withoutWebSocket(err error) bool {
	return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
}
