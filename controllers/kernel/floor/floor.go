// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

// own is the calling thread's network namespace.
const own = "/proc/thread-self/ns/net"

// Options are what a floor leaves out.
type Options struct {
	// Bare writes no marks, no symlinks, and of the settings only those that make a node forward.
	Bare bool
	// AnyQueues does not say how many queues a veth has, as in a tutorial. The kernel then makes some for
	// every CPU, takes all but one away again, and waits for every CPU twice.
	AnyQueues bool
}

// Apply performs the operations one after the other on one thread, which ends with it. It
// supports what the labs of make bench consist of, and fails at anything else.
func Apply(ops []state.Op, o Options) error {
	return onThread(func() error {
		f := &floor{Options: o, spaces: map[string]*space{}, buffer: make([]byte, 8192)}
		defer f.close()
		for _, op := range ops {
			if err := f.write(op); err != nil {
				return fmt.Errorf("%s: %w", op, err)
			}
		}
		return nil
	})
}

// floor is what a run has open.
type floor struct {
	Options
	spaces map[string]*space
	// at is the namespace the thread is in.
	at     *space
	buffer []byte
}

// space is a namespace.
type space struct{ file, socket int }

func (f *floor) close() {
	for _, s := range f.spaces {
		s.close()
	}
}

func (s *space) close() {
	unix.Close(s.socket) //nolint:errcheck // nothing is buffered in it
	unix.Close(s.file)   //nolint:errcheck // opened for reading
}

func (f *floor) write(op state.Op) error {
	switch op := op.(type) {
	case state.CreateNamespace:
		return f.create(op)
	case state.DeleteNamespace:
		return f.delete(op)
	case state.AddSymlink:
		return f.unlessBare(func() error { return unix.Symlink(state.NamespaceDir+"/"+op.Name, state.SymlinkDir+"/"+op.Name) })
	case state.DeleteSymlink:
		return f.unlessBare(func() error { return unix.Unlink(state.SymlinkDir + "/" + op.Name) })
	case state.SetSysctl:
		return f.setSysctl(op)
	case state.DeleteLink:
		return nil // it goes with its namespace
	default:
		return f.send(op)
	}
}

func (f *floor) unlessBare(do func() error) error {
	if f.Bare {
		return nil
	}
	return do()
}

func (f *floor) create(op state.CreateNamespace) error {
	path := state.NamespaceDir + "/" + op.Name
	if err := writeFile(path, op.Label, unix.O_CREAT); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	s, err := open(own)
	if err != nil {
		return err
	}
	f.spaces[op.Name], f.at = s, s
	err = f.unlessBare(func() error {
		if err := f.exchange(s, mark(op.Label)); err != nil {
			return err
		}
		return writeInitialSettings()
	})
	if err != nil {
		return err
	}
	return unix.Mount(own, path, "", unix.MS_BIND, "")
}

func (f *floor) delete(op state.DeleteNamespace) error {
	path := state.NamespaceDir + "/" + op.Name
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
		return err
	}
	return unix.Unlink(path)
}

func (f *floor) setSysctl(op state.SetSysctl) error {
	if f.Bare && (op.Link != "" || op.Setting != state.IPv4Forwarding && op.Setting != state.IPv6Forwarding) {
		return nil
	}
	if _, err := f.enter(op.Namespace); err != nil {
		return err
	}
	return writeSetting(op.SettingKey, op.Value)
}

// enter moves the thread into a namespace.
func (f *floor) enter(name string) (*space, error) {
	s, err := f.space(name)
	if err != nil || s == f.at {
		return s, err
	}
	f.at = s
	return s, unix.Setns(s.file, unix.CLONE_NEWNET)
}

// space opens a namespace that is there already.
func (f *floor) space(name string) (*space, error) {
	if s, ok := f.spaces[name]; ok {
		return s, nil
	}
	fd, err := unix.Open(state.NamespaceDir+"/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	s := &space{file: fd}
	s.socket, err = dial()
	f.spaces[name], f.at = s, s
	return s, err
}

// open opens the namespace that the thread is in.
func open(path string) (*space, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	socket, err := dial()
	return &space{fd, socket}, err
}

func dial() (int, error) {
	return unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
}

func writeInitialSettings() error {
	for _, s := range state.InitialWrites {
		key := state.SettingKey{Setting: s}
		if err := writeSetting(key, state.InitialValue(key)); err != nil {
			return err
		}
	}
	return nil
}

func writeSetting(key state.SettingKey, value state.Value) error {
	return writeFile("/proc/sys/net/"+key.Path(), value.String(), 0)
}

func writeFile(path, value string, flags int) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC|flags, 0o644)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(value))
	return err
}
