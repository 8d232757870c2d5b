// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// directoryVariable names the directory for the verbs that run, exec and tests call.
const directoryVariable = "NETLAB_CLUSTER_DIR"

// directory is where a cluster keeps everything:
//
//	lock                 held while the cluster runs
//	control.sock         what the supervisor answers on
//	admin.kubeconfig
//	supervisor.log       and the logs of the control plane's programs, and audit.log
//	bin                  a link to the Kubernetes programs
//	pki/ etcd/ images/ kubectl/
//	nodes/NAME/          node.json, control.sock, machine.log and var/, the node's /var
type directory string

func defaultDirectory() string {
	if dir := os.Getenv(directoryVariable); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = "/var/cache"
	}
	return filepath.Join(cache, "netlab", "cluster")
}

func (d directory) path(elements ...string) string {
	return filepath.Join(append([]string{string(d)}, elements...)...)
}

func (d directory) lock() string       { return d.path("lock") }
func (d directory) socket() string     { return d.path("control.sock") }
func (d directory) kubeconfig() string { return d.path("admin.kubeconfig") }
func (d directory) log() string        { return d.path("supervisor.log") }
func (d directory) programs() string   { return d.path("bin") }
func (d directory) images() string     { return d.path("images") }

func (d directory) node(name string) nodeDirectory {
	return nodeDirectory(d.path("nodes", name))
}

// ask has the supervisor do something.
func (d directory) ask(ctx context.Context, path string) error {
	return d.orNoCluster(ask(ctx, d.socket(), path))
}

// supervisor returns the pid of the supervisor.
func (d directory) supervisor() (int, error) {
	pid, err := listenerOf(d.socket())
	return pid, d.orNoCluster(err)
}

func (d directory) orNoCluster(err error) error {
	if errors.Is(err, errNotRunning) {
		return fmt.Errorf("there is no cluster in %s: `cluster up` starts one", d)
	}
	return err
}

// cgroup is the name of the cgroup that holds all pods, one for each directory.
func (d directory) cgroup() string {
	sum := sha256.Sum256([]byte(d))
	return "netlab-cluster-" + hex.EncodeToString(sum[:4])
}

// resolve makes the path the same for every caller, whatever their working directory.
func (d *directory) resolve() error {
	absolute, err := filepath.Abs(string(*d))
	if err != nil {
		return fmt.Errorf("find directory %s: %w", *d, err)
	}
	if real, err := filepath.EvalSymlinks(absolute); err == nil {
		absolute = real
	}
	*d = directory(absolute)
	return nil
}

// check says what would go wrong later and less clearly.
func (d directory) check() error {
	hidden := []string{"/run", "/var/run", "/proc", "/sys", "/dev"} // a sandbox has its own
	if slices.ContainsFunc(hidden, func(dir string) bool { return strings.HasPrefix(string(d)+"/", dir+"/") }) {
		return fmt.Errorf("directory %s: %s cannot be used, choose a place on a disk with --dir", d, hidden)
	}
	const longest = 107 // bytes, of a Unix socket's path
	if socket := d.node(strings.Repeat("n", longestName)).socket(); len(socket) > longest {
		return fmt.Errorf("directory %s: its path is %d bytes too long for the sockets in it, choose another with --dir", d, len(socket)-longest)
	}
	return d.mine()
}

// mine refuses a directory that holds something else: down removes it whole.
func (d directory) mine() error {
	entries, err := os.ReadDir(string(d))
	if os.IsNotExist(err) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "lock" }) {
		return fmt.Errorf("directory %s is not empty and not a cluster's: choose another with --dir", d)
	}
	return nil
}

// nodeDirectory is the part of the directory that belongs to one node.
type nodeDirectory string

func (n nodeDirectory) path(elements ...string) string {
	return filepath.Join(append([]string{string(n)}, elements...)...)
}

func (n nodeDirectory) socket() string      { return n.path("control.sock") }
func (n nodeDirectory) description() string { return n.path("node.json") }
func (n nodeDirectory) log() string         { return n.path("machine.log") }
func (n nodeDirectory) variable() string    { return n.path("var") }

// settings is what the node itself sees as [settingsDirectory].
func (n nodeDirectory) settings() string { return n.path(settingsDirectory) }
