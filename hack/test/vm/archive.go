// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
)

// archive is a file tree in the format that the kernel unpacks into its first file system: cpio
// with a header of hexadecimal digits ("newc").
type archive struct {
	bytes.Buffer
	has map[string]bool
}

// The types of a file in st_mode.
const (
	directory = 0o040000
	regular   = 0o100000
	symlink   = 0o120000
)

func newArchive() *archive { return &archive{has: map[string]bool{"/": true}} }

// add puts a regular file at an absolute path, below directories that come with it. What is there
// already stays.
func (a *archive) add(name string, content []byte, permissions os.FileMode) {
	if a.has[name] {
		return
	}
	a.addDirectory(path.Dir(name))
	a.entry(name, regular|uint32(permissions.Perm()), content)
}

func (a *archive) addDirectory(name string) {
	if a.has[name] {
		return
	}
	a.addDirectory(path.Dir(name))
	a.entry(name, directory|0o755, nil)
}

func (a *archive) addSymlink(name, target string) { a.entry(name, symlink|0o777, []byte(target)) }

// addFile puts a file of this machine at an absolute path.
func (a *archive) addFile(name, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	a.add(name, content, info.Mode())
	return nil
}

// close ends the archive.
func (a *archive) close() { a.entry("/TRAILER!!!", 0, nil) }

// entry writes a header, a name without its first slash, and a content. Both end on multiples of four.
func (a *archive) entry(name string, mode uint32, content []byte) {
	a.has[name] = true
	name = name[1:]
	const magic, zero, links = "070701", 0, 1
	fmt.Fprint(a, magic)
	for _, field := range []uint32{
		uint32(len(a.has)), // inode
		mode, zero, zero, links, zero, uint32(len(content)),
		zero, zero, zero, zero, // devices
		uint32(len(name) + 1), zero,
	} {
		fmt.Fprintf(a, "%08x", field)
	}
	a.WriteString(name + "\x00")
	a.pad()
	a.Write(content)
	a.pad()
}

func (a *archive) pad() {
	for a.Len()%4 != 0 {
		a.WriteByte(0)
	}
}
