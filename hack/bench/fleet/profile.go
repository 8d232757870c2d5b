// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"

	"k8s.io/client-go/rest"
)

// profileHeaps writes what API server and agents hold in memory at the end of a phase, for go tool
// pprof.
func (f *fleet) profileHeaps(ctx context.Context, phase string) error {
	if f.options.profiles == "" {
		return nil
	}
	name := filepath.Join(f.options.profiles, strings.ReplaceAll(phase, " ", "-"))
	agents, err := os.Create(name + ".agents.heap")
	if err != nil {
		return fmt.Errorf("write a profile: %w", err)
	}
	defer agents.Close()
	return errors.Join(pprof.WriteHeapProfile(agents), fetchHeap(ctx, f.cluster.config, name+".apiserver.heap"))
}

func fetchHeap(ctx context.Context, config *rest.Config, path string) error {
	c, err := rest.HTTPClientFor(config)
	if err != nil {
		return fmt.Errorf("make a client for the API server's profile: %w", err)
	}
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(config.Host, "/")+"/debug/pprof/heap", nil)
	if err != nil {
		return fmt.Errorf("ask for the API server's profile: %w", err)
	}
	answer, err := c.Do(ask)
	if err != nil {
		return fmt.Errorf("ask for the API server's profile: %w", err)
	}
	defer answer.Body.Close()
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write a profile: %w", err)
	}
	defer file.Close()
	_, err = io.Copy(file, answer.Body)
	return err
}
