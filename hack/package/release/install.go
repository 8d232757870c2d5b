// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// install writes install.yaml.
func (r release) install() error {
	objects, err := r.build("default")
	if err != nil {
		return err
	}
	text, err := objects.AsYaml()
	if err != nil {
		return err
	}
	header := fmt.Sprintf("# NetLab %s: kubectl apply -f install.yaml\n", r.version)
	return r.write("install.yaml", append([]byte(header), text...))
}

func (r release) write(name string, content []byte) error {
	path := filepath.Join(r.out, name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}
