// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// kubernetesPrograms are built by hack/assets/build.sh; systemPrograms and cniPlugins come
// with the packages that deps.sh names.
var (
	kubernetesPrograms = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl"}
	systemPrograms     = []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc", "ip", "mount", "nsenter", "setpriv", "unshare"}
	cniPlugins         = []string{"host-local", "loopback", "ptp"}
)

// cniPlaces are the directories distributions put CNI plugins into.
var cniPlaces = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni", "/usr/lib/cni-plugins"}

// findPrograms returns the directory of the Kubernetes programs: the given one, or the one
// that hack/assets/build.sh names, which builds them where that has not been done.
func findPrograms(given string) (string, error) {
	dir := cmp.Or(given, os.Getenv("KUBEBUILDER_ASSETS"))
	if dir == "" {
		build := exec.Command("hack/assets/build.sh", append([]string{""}, kubernetesPrograms...)...)
		build.Stderr = os.Stderr
		output, err := build.Output()
		if err != nil {
			return "", fmt.Errorf("build the Kubernetes programs: %w (in the root of the repository, or set KUBEBUILDER_ASSETS to where they are)", err)
		}
		dir = strings.TrimSpace(string(output))
	}
	if missing := missingIn(dir, kubernetesPrograms); missing != nil {
		return "", fmt.Errorf("there is no %s in %s: unset KUBEBUILDER_ASSETS to have them built", strings.Join(missing, ", "), dir)
	}
	return filepath.Abs(dir)
}

// pauseImage is where hack/package/image puts it.
const pauseImage = "bin/images/netlab-pause-" + runtime.GOARCH + ".tar"

// findPauseImage returns the tar of the pause image: the given one, or the one that hack/package/image makes.
func findPauseImage(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if _, err := os.Stat(pauseImage); err == nil {
		return pauseImage, nil
	}
	build := exec.Command("go", "run", "-C", "hack/package/image", ".", "-images", "netlab-pause", "-arch", runtime.GOARCH)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("build the pause image: %w (in the root of the repository, or name a tar with --pause)", err)
	}
	return pauseImage, nil
}

// findCNIPlugins returns the directory of the CNI plugins.
func findCNIPlugins() (string, error) {
	for _, dir := range cniPlaces {
		if missingIn(dir, cniPlugins) == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("find the CNI plugins: none of %s has %s: hack/cluster/deps.sh", cniPlaces, strings.Join(cniPlugins, ", "))
}

func checkSystemPrograms() error {
	missing := slices.DeleteFunc(slices.Clone(systemPrograms), func(program string) bool {
		_, err := exec.LookPath(program)
		return err == nil
	})
	if len(missing) > 0 {
		return errors.New("there is no " + strings.Join(missing, ", ") + ": hack/cluster/deps.sh")
	}
	return nil
}

func missingIn(dir string, programs []string) (missing []string) {
	for _, program := range programs {
		if info, err := os.Stat(filepath.Join(dir, program)); err != nil || info.Mode()&0o111 == 0 {
			missing = append(missing, program)
		}
	}
	return missing
}
