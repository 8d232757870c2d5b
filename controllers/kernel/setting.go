// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

const settingsDir = "/proc/sys/net"

// openSetting opens a setting of the namespace the thread is in, which must be h's: below
// /proc/sys/net every look-up answers for the namespace of the thread that asks. The path is below that.
func (h *handle) openSetting(path string, flags int) (fd int, err error) {
	if !fs.ValidPath(path) {
		return -1, fmt.Errorf("%q is not a setting of a network namespace", path)
	}
	family, path, _ := strings.Cut(path, "/")
	dir, err := h.openSettings(family)
	if err != nil {
		return -1, err
	}
	for _, scope := range scopes {
		if key, ok := strings.CutPrefix(path, scope); ok {
			if dir, err = h.openScope(family, dir, scope); err != nil {
				return -1, err
			}
			path = key
		}
	}
	return unix.Openat(dir, path, flags|unix.O_CLOEXEC, 0)
}

// scopes are the directories that most settings of a namespace are in. Every element of a path
// is looked up twice, because the file system refuses look-ups without locks.
var scopes = []string{"conf/all/", "conf/default/"}

// openScope opens a directory below that of a family.
func (h *handle) openScope(family string, parent int, scope string) (dir int, err error) {
	return h.openOnce(family+"/"+scope, func(string) (int, error) {
		return unix.Openat(parent, scope, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
}

// openSettings opens the directory of a family's settings, or fails with ENOENT where there are none.
func (h *handle) openSettings(family string) (dir int, err error) {
	return h.openOnce(family, func(path string) (int, error) {
		return unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
}

// openOnce remembers what open returns for a directory below settingsDir.
func (h *handle) openOnce(name string, open func(path string) (int, error)) (dir int, err error) {
	dirs := h.settingFiles().dirs
	if dir, ok := dirs[name]; ok {
		return dir, nil
	}
	path := settingsDir + "/" + name
	if dir, err = open(path); err != nil {
		return -1, fmt.Errorf("open %s: %w", path, err)
	}
	dirs[name] = dir
	return dir, nil
}

// settingFiles are what is open of the namespace's settings, from this session or an earlier one.
func (h *handle) settingFiles() *settingFiles {
	if h.settings == nil {
		h.settings = h.cache.take(h.name, h.cookie)
	}
	return h.settings
}

// readSetting reads a setting by its path below settingsDir.
func (h *handle) readSetting(path string) (number int, err error) {
	fd, err := h.openSetting(path, unix.O_RDONLY)
	if err != nil {
		return 0, fmt.Errorf("open %s/%s: %w", settingsDir, path, err)
	}
	defer unix.Close(fd)
	return readNumber(fd, path)
}

// readNumber reads an open setting from its beginning.
func readNumber(fd int, path string) (number int, err error) {
	var buf [32]byte
	n, err := unix.Pread(fd, buf[:], 0)
	if err == nil {
		number, err = strconv.Atoi(string(bytes.TrimSpace(buf[:n])))
	}
	if err != nil {
		return 0, fmt.Errorf("read %s/%s: %w", settingsDir, path, err)
	}
	return number, nil
}

func (h *handle) writeSetting(path string, number int) error {
	fd, err := h.openSetting(path, unix.O_WRONLY)
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, strconv.AppendInt(nil, int64(number), 10))
	return errors.Join(err, unix.Close(fd))
}

// writeInitialSettings writes those of a new namespace. A kernel without IPv6 has none of
// IPv6's, which is as good as having it disabled.
func (h *handle) writeInitialSettings() error {
	for _, s := range state.InitialWrites {
		key := state.SettingKey{Setting: s}
		err := h.writeSetting(key.Path(), state.InitialValue(key).Number())
		if err != nil && !(errors.Is(err, unix.ENOENT) && key.IsIPv6()) {
			return fmt.Errorf("write %s: %w", key, err)
		}
	}
	return nil
}

func (s *session) setSysctl(op state.SetSysctl) error {
	h, err := s.enter(op.Namespace)
	if err != nil {
		return err
	}
	err = h.writeSetting(op.Path(), op.Value.Number())
	if errors.Is(err, unix.ENOENT) && op.IsBridge() {
		return nil // without br_netfilter no firewall sees what a bridge forwards
	}
	if errors.Is(err, unix.ENOENT) {
		return h.missingSetting(op.SettingKey, err)
	}
	return err
}

// missingSetting says what a setting that is not there means. A link's goes with the link, and
// its IPv6 ones with an MTU that allows none.
func (h *handle) missingSetting(key state.SettingKey, missing error) error {
	if hasIPv6, err := h.hasIPv6(); err == nil && !hasIPv6 && key.IsIPv6() {
		return featureMissing("IPv6", missing)
	}
	if key.Link == "" || key.Link == state.Loopback {
		return featureMissing("the setting "+key.String(), missing)
	}
	return missing
}

// namespaceSetting is a setting that every namespace has.
type namespaceSetting struct {
	setting state.Setting
	path    string
	isIPv6  bool
}

var namespaceSettings = func() (list []namespaceSetting) {
	for s := range len(state.NamespaceSettings{}) {
		if key := (state.SettingKey{Setting: state.Setting(s)}); !key.IsBridge() {
			list = append(list, namespaceSetting{key.Setting, key.Path(), key.IsIPv6()})
		}
	}
	return list
}()

// filesPerNamespace is how many of them are read from files: those that messages do not carry.
var filesPerNamespace = func() int {
	n := len(namespaceSettings)
	for _, r := range netconfRequests {
		n -= len(r.settings)
	}
	return n
}()

// readSettings reads the namespace's settings, and that of lo, which came with the list of links.
func (h *handle) readSettings(lo rawLink) (settings state.NamespaceSettings, loopback state.LinkSettings, err error) {
	hasIPv6, err := h.hasIPv6()
	if err != nil {
		return settings, loopback, err
	}
	if settings, err = h.conn.netconf(); err != nil {
		return settings, loopback, err
	}
	for _, s := range namespaceSettings {
		value := &settings[s.setting]
		switch {
		case *value != state.Absent:
		case s.isIPv6 && !hasIPv6:
			*value = state.InitialValue(state.SettingKey{Setting: s.setting})
		default:
			if *value, err = h.readNamespaceSetting(s); err != nil {
				return settings, loopback, err
			}
		}
	}
	loopback, err = h.loopbackSettings(lo, hasIPv6)
	return settings, loopback, err
}

// readNamespaceSetting leaves the file open where the cache has room for it.
func (h *handle) readNamespaceSetting(s namespaceSetting) (state.Value, error) {
	open := h.settingFiles()
	file := int(open.files[s.setting])
	if file == 0 {
		var err error
		if file, err = h.openSetting(s.path, unix.O_RDONLY); err != nil {
			return state.Absent, fmt.Errorf("open %s/%s: %w", settingsDir, s.path, err)
		}
		if open.keep {
			open.files[s.setting] = int32(file)
		} else {
			defer unix.Close(file)
		}
	}
	number, err := readNumber(file, s.path)
	return state.ValueOf(number), err
}

// loopbackSettings reads what the list of links lacks from a file.
func (h *handle) loopbackSettings(lo rawLink, hasIPv6 bool) (state.LinkSettings, error) {
	key := state.SettingKey{Link: state.Loopback, Setting: state.DisableIPv6}
	value := lo.settings[key.Setting]
	switch {
	case value != state.Absent:
	case !hasIPv6:
		value = state.InitialValue(key)
	default:
		number, err := h.readSetting(key.Path())
		if err != nil {
			return state.LinkSettings{}, err
		}
		value = state.ValueOf(number)
	}
	return state.LoopbackSettings(value), nil
}

// readBridgeSettings reads the settings that every namespace with a bridge has.
func (h *handle) readBridgeSettings(into *state.NamespaceSettings) error {
	for _, s := range state.BridgeSettings {
		number, err := h.readSetting(state.SettingKey{Setting: s}.Path())
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
		into[s] = state.ValueOf(number)
	}
	return nil
}

// hasIPv6 reports whether the kernel has IPv6. One without looks like one where it is disabled.
func (h *handle) hasIPv6() (bool, error) {
	if h.settingFiles().files[state.DisableIPv6] != 0 {
		return true, nil
	}
	_, err := h.openSettings("ipv6")
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil, err
}
