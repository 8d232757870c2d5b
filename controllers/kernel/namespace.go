// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// loopbackIndex is the index of lo in every network namespace.
const loopbackIndex = 1

// maxMark bounds what is read of a file to find a mark: longer is none.
const maxMark = 256

// namespacePath is the file of a namespace. Names that no lab can have are refused, so that
// no path leaves the directory.
func namespacePath(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	return NamespaceDir + "/" + name, nil
}

func checkName(name string) error {
	if _, _, _, ok := state.SplitNetworkNamespace(name); !ok || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%q is not the name of a lab's network namespace", name)
	}
	return nil
}

// openNamespace opens the network namespace mounted under a name.
func openNamespace(name string) (netns.Handle, error) {
	path, err := namespacePath(name)
	if err != nil {
		return netns.None, err
	}
	return netns.Open(path)
}

// namespaceFile is what lies at a namespace's path.
type namespaceFile struct {
	// mounted says that it is a network namespace.
	mounted bool
	// mark is the alias of its lo or, when nothing is mounted, the content of the file.
	mark string
	// found says what it is when it cannot be one of NetLab's.
	found string
}

// ours reports whether it is a namespace, or the file for one, with this mark.
func (f namespaceFile) ours(mark string) bool { return f.found == "" && f.mark == mark }

func (f namespaceFile) String() string {
	switch {
	case f.found != "":
		return f.found
	case f.mounted && f.mark == "":
		return "a network namespace without an owner label"
	case f.mounted:
		return fmt.Sprintf("a network namespace with the owner label %q", f.mark)
	}
	return fmt.Sprintf("a file with the content %q", f.mark)
}

// inspect says what is at a namespace's path; the error is fs.ErrNotExist for nothing. A
// mounted namespace is left open as a handle of the session.
func (s *session) inspect(name string) (namespaceFile, error) {
	file, err := s.inspectFile(name)
	if err != nil || !file.mounted {
		return file, err
	}
	lo, err := s.handles[name].conn.link(loopbackIndex)
	file.mark = lo.alias
	return file, err
}

// inspectFile leaves out the mark of a mounted namespace.
func (s *session) inspectFile(name string) (namespaceFile, error) {
	path, err := namespacePath(name)
	if err != nil {
		return namespaceFile{}, err
	}
	if found, err := foundInstead(path); err != nil || found != "" {
		return namespaceFile{found: found}, err
	}
	fd, mounted, err := netns.OpenFile(path)
	if err != nil {
		return namespaceFile{}, err
	}
	if !mounted {
		mark, err := readMark(fd)
		return namespaceFile{mark: mark}, err
	}
	_, err = s.enterOpen(name, netns.Handle(fd))
	if errors.Is(err, unix.EINVAL) {
		return namespaceFile{found: "a namespace of another type"}, nil
	}
	return namespaceFile{mounted: err == nil}, err
}

// foundInstead describes what is at a path where a regular file belongs; empty for one.
func foundInstead(path string) (string, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return "", fmt.Errorf("stat %s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT == unix.S_IFREG {
		return "", nil
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	return describeMode(info.Mode()), nil
}

func describeMode(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "a special file"
}

// readMark returns the mark in a namespace's open file, and closes it.
func readMark(fd int) (string, error) {
	content := make([]byte, maxMark+1)
	n, err := unix.Read(fd, content)
	if err := errors.Join(err, unix.Close(fd)); err != nil {
		return "", fmt.Errorf("read an owner label: %w", err)
	}
	return strings.TrimSuffix(string(content[:n]), "\n"), nil
}

// createNamespace makes a namespace that is complete, mark and settings, before the mount
// makes it visible. Killed at any point it leaves nothing, a file with the mark, or all.
func (s *session) createNamespace(op state.CreateNamespace) error {
	path, err := namespacePath(op.Name)
	if err != nil {
		return err
	}
	err = placeMark(path, op.Label)
	if errors.Is(err, fs.ErrNotExist) {
		// Somebody's Cleanup took the directory for unused.
		if err = prepare(false); err == nil {
			err = placeMark(path, op.Label)
		}
	}
	if !errors.Is(err, fs.ErrExist) {
		if err != nil {
			return err
		}
		return s.mountNew(op, path)
	}
	switch there, err := s.inspect(op.Name); {
	case err != nil:
		return err
	case !there.ours(op.Label):
		return fmt.Errorf("%s is taken: %s", path, there)
	case there.mounted:
		return nil
	}
	return s.mountNew(op, path)
}

// placeMark makes a file that appears with its content or not at all.
func placeMark(path, mark string) error {
	fd, err := unix.Open(filepath.Dir(path), unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return fmt.Errorf("create a file in %s: %w", filepath.Dir(path), err)
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(mark+"\n")); err != nil {
		return fmt.Errorf("write an owner label: %w", err)
	}
	source := fmt.Sprintf("/proc/self/fd/%d", fd)
	if err := unix.Linkat(unix.AT_FDCWD, source, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW); err != nil {
		return fmt.Errorf("link %s: %w", path, err)
	}
	return nil
}

func (s *session) mountNew(op state.CreateNamespace, path string) error {
	ns, err := s.thread.Unshare()
	if err != nil {
		return err
	}
	h, err := s.newHandle(op.Name, ns)
	if err != nil {
		return err
	}
	if err := h.conn.setAlias(loopbackIndex, op.Label); err != nil {
		return fmt.Errorf("set the owner label of lo: %w", err)
	}
	if err := h.writeInitialSettings(); err != nil {
		return err
	}
	return netns.Mount(ns, path)
}

// deleteNamespace unmounts a namespace and removes its file, whatever part of that is left
// to do. A namespace that somebody mounted once more onto itself is unmounted as often.
func (s *session) deleteNamespace(k *Kernel, name string) error {
	path, err := namespacePath(name)
	if err != nil {
		return err
	}
	for mounted := true; mounted; {
		mounted, err = s.mountedAt(name, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && mounted {
			err = s.unmount(k, name, path)
		}
		if err != nil {
			return err
		}
	}
	if err := unix.Unlink(path); err != nil && !rtnl.IsGone(err) {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

// mountedAt says whether a namespace to be deleted is mounted. It looks at the mark once more: an
// operation carries only the name.
func (s *session) mountedAt(name, path string) (bool, error) {
	there, err := s.inspect(name)
	if err != nil {
		return false, err
	}
	if _, node, marked := state.ParseLabel(there.mark); there.found != "" || !marked || node != state.NodeOf(name) {
		return false, fmt.Errorf("%s was not created by NetLab: %s", path, there)
	}
	return there.mounted, nil
}

func (s *session) unmount(k *Kernel, name, path string) error {
	if err := s.remember(k, name); err != nil {
		return err
	}
	if err := s.close(name); err != nil {
		return err
	}
	s.cache.forget(name)
	return netns.Unmount(path)
}

func (c *conn) setAlias(index int32, alias string) error {
	header := nl.NewIfInfomsg(unix.AF_UNSPEC)
	header.Index = index
	return c.Send(unix.RTM_NEWLINK, 0, header, nl.NewRtAttr(unix.IFLA_IFALIAS, []byte(alias)))
}
