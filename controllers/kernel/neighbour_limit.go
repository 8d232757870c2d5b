// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// NetSettings is where the kernel has the network settings of the caller's network namespace.
const NetSettings = "/proc/sys/net"

// RaiseNeighbourLimits makes room for so many entries in the machine's neighbour table of each family: the kernel refuses
// more than gc_thresh3, deletes unused ones beyond gc_thresh2, and none below gc_thresh1. It lowers nothing. Only the
// machine's first network namespace has these settings.
func RaiseNeighbourLimits(settings string, entries int) error {
	for _, family := range []string{"ipv4", "ipv6"} {
		for _, threshold := range []struct {
			name string
			part int
		}{{"gc_thresh3", 1}, {"gc_thresh2", 2}, {"gc_thresh1", 8}} {
			file := filepath.Join(settings, family, "neigh", "default", threshold.name)
			if err := raise(file, entries/threshold.part); err != nil {
				return fmt.Errorf("raise the %s neighbour table's limit: %w", family, err)
			}
		}
	}
	return nil
}

func raise(file string, to int) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s does not exist: use the host's network (hostNetwork: true), and where nodes are containers set it on the machine: %w", file, err)
	}
	if err != nil {
		return err
	}
	if is, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || is >= to {
		return err
	}
	return os.WriteFile(file, []byte(strconv.Itoa(to)), 0o600)
}
