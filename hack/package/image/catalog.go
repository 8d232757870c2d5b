// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
)

// description is what an image is made of.
type description struct {
	name  string // also the entrypoint's, in the root directory
	title string
	user  string // "" is root
	// pkg is the main package of a Go program, below module, which is below the root of the repository.
	module, pkg string
	shared      bool // users pull it: an archive with all architectures is made, too
}

// nonroot is the user that distroless images have made customary.
const nonroot = "65532:65532"

// busyboxImage is the only one that is not a Go program.
const busyboxImage = "netlab-toolbox"

var catalog = []description{
	// It makes namespaces, links and mounts.
	{name: "netlab-agent", title: "Realizes NetLabs on a node", module: ".", pkg: "./cmd/netlab-agent", shared: true},
	{name: "netlab-controller", title: "Folds reports into the status of NetLabs", user: nonroot, module: ".", pkg: "./cmd/netlab-controller", shared: true},
	{name: "netlab-pause", title: "Holds a pod's namespaces, for tests", user: nonroot, module: "hack/package/image", pkg: "./pause"},
	{name: busyboxImage, title: "Debian's busybox, for tests"},
}

// choose returns the images of a comma-separated list of names, with or without netlab-.
func choose(names string) ([]description, error) {
	var chosen []description
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(catalog, func(d description) bool {
			return strings.TrimPrefix(d.name, "netlab-") == strings.TrimPrefix(name, "netlab-")
		})
		if i < 0 {
			return nil, fmt.Errorf("there is no image %q; there are %s", name, everyName())
		}
		chosen = append(chosen, catalog[i])
	}
	return chosen, nil
}

func everyName() string {
	names := make([]string, 0, len(catalog))
	for _, d := range catalog {
		names = append(names, strings.TrimPrefix(d.name, "netlab-"))
	}
	return strings.Join(names, ",")
}
