// SPDX-License-Identifier: Apache-2.0

package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// modules are what labs need, and what people add to a lab by hand.
var modules = []string{"veth", "bridge", "br_netfilter", "8021q", "sch_netem", "sch_tbf", "sch_htb", "dummy", "vrf"}

// moduleTree finds a kernel's modules by their names, in which a dash is an underscore.
type moduleTree map[string]string

func findModules(dir string) (moduleTree, error) {
	tree := moduleTree{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(path), ".ko"); ok {
			tree[strings.ReplaceAll(name, "-", "_")] = path
		}
		return err
	})
	if err == nil && len(tree) == 0 {
		err = fmt.Errorf("%s: no file ends in .ko", dir)
	}
	return tree, err
}

// addModules puts modules and those they need into the archive, and lists their files in the
// order in which they can be loaded. One that is not there is built in, or a test will tell.
func (a *archive) addModules(tree moduleTree, names []string) (files []string, err error) {
	for _, name := range names {
		from, there := tree[name]
		to := "/modules/" + name + ".ko"
		if !there || a.has[to] {
			continue
		}
		needs, err := dependencies(from)
		if err != nil {
			return nil, err
		}
		first, err := a.addModules(tree, needs)
		if err != nil {
			return nil, err
		}
		if err := a.addFile(to, from); err != nil {
			return nil, err
		}
		files = slices.Concat(files, first, []string{to})
	}
	return files, nil
}

// dependencies are what modinfo(8) prints as "depends".
func dependencies(module string) ([]string, error) {
	file, err := elf.Open(module)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", module, err)
	}
	defer file.Close()
	section := file.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("%s: %w", module, errors.New("it does not say what it depends on"))
	}
	info, err := section.Data()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", module, err)
	}
	for entry := range strings.SplitSeq(string(info), "\x00") {
		if list, ok := strings.CutPrefix(entry, "depends="); ok && list != "" {
			return strings.Split(strings.ReplaceAll(list, "-", "_"), ","), nil
		}
	}
	return nil, nil
}
