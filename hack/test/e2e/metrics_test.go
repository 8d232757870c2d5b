// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// exposition is what a program exports, as Prometheus reads it.
type exposition string

// metricsOf reads an agent's metrics as a Prometheus does: over TLS, with the token of an account
// that may. A program that has just started may not serve them yet.
func metricsOf(t *testing.T, pod corev1.Pod) (exposition, error) {
	t.Helper()
	address, stop, err := forward(t.Context(), pod, 8080)
	if err != nil {
		return "", err
	}
	defer stop()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/metrics", nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+scraper(t))
	// The certificate is made by the program itself when it starts.
	insecure := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} //nolint:gosec // see above
	answer, err := (&http.Client{Transport: insecure}).Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("metrics of %s: %s: %s", pod.Name, answer.Status, body)
	}
	return exposition(body), err
}

// sum adds a metric up over all series with those labels, such as `verb="POST"`.
func (e exposition) sum(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	total := 0.0
	for line := range strings.Lines(string(e)) {
		line = strings.TrimSpace(line)
		end := max(strings.LastIndexByte(line, ' '), 0)
		head, value := line[:end], strings.TrimSpace(line[end:])
		if head != name && !strings.HasPrefix(head, name+"{") {
			continue
		}
		if slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(head, l) }) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		total += v
	}
	return total
}

var forwarding = regexp.MustCompile(`Forwarding from (127\.0\.0\.1:\d+)`)

// forward opens a way to a pod's port until stop is called. kubectl gives up when the port
// refuses a connection.
func forward(ctx context.Context, pod corev1.Pod, port int) (address string, stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	command := exec.CommandContext(ctx, "kubectl", "-n", pod.Namespace, "port-forward", "pod/"+pod.Name, fmt.Sprintf(":%d", port))
	stop = func() {
		cancel()
		command.Wait() //nolint:errcheck // it was ended on purpose
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := command.Start(); err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	found := forwarding.FindStringSubmatch(line)
	if found == nil {
		stop()
		return "", nil, fmt.Errorf("forward port %d of %s: %w: %s", port, pod.Name, err, line)
	}
	return found[1], stop, nil
}
