// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"

	"sigs.k8s.io/kustomize/api/builtins"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// programs are the images that manifests name.
var programs = []string{"netlab-agent", "netlab-controller"}

// build is `kustomize build config/DIR`, with images of this registry and tag.
func (r release) build(dir string) (resmap.ResMap, error) {
	path := filepath.Join(r.root, "config", dir)
	objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path)
	if err != nil {
		return nil, fmt.Errorf("kustomize build %s: %w", path, err)
	}
	for _, name := range programs {
		pin := builtins.ImageTagTransformerPlugin{ImageTag: types.Image{Name: name, NewName: r.imageName(name), NewTag: r.version}}
		if err := pin.Transform(objects); err != nil {
			return nil, fmt.Errorf("pin the image %s: %w", name, err)
		}
	}
	return objects, nil
}

func (r release) imageName(program string) string {
	if r.registry == "" {
		return program
	}
	return r.registry + "/" + program
}
