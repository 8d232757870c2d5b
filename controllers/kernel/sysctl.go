// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

const (
	settingsDir    = "/proc/sys/net"
	settingsPrefix = "net."
	ipv6Prefix     = "net.ipv6."
	bridgePrefix   = "net.bridge."
)

// sysctlPath is where a setting is below settingsDir: "net.ipv4.conf.eth0.5.rp_filter" is
// conf/eth0.5/rp_filter in the family ipv4. A link's name may have dots, but is one path element.
func sysctlPath(name string) (family, path string, err error) {
	rest, ok := strings.CutPrefix(name, settingsPrefix)
	if !ok || strings.ContainsAny(rest, "/\x00") {
		return "", "", fmt.Errorf("%q is no setting of a network namespace", name)
	}
	family, key, ok := strings.Cut(rest, ".")
	if !ok || (family != "ipv4" && family != "ipv6" && family != "bridge") {
		return "", "", fmt.Errorf("%q is no setting of IPv4, IPv6 or bridges", name)
	}
	linkAndKey, ok := strings.CutPrefix(key, "conf.")
	if !ok {
		return family, strings.ReplaceAll(key, ".", "/"), nil
	}
	dot := strings.LastIndexByte(linkAndKey, '.')
	if dot < 0 || linkAndKey[:dot] == "." || linkAndKey[:dot] == ".." {
		return "", "", fmt.Errorf("%q is no setting of a link", name)
	}
	return family, "conf/" + linkAndKey[:dot] + "/" + linkAndKey[dot+1:], nil
}

// openSetting opens a setting of the namespace the thread is in, which must be d's: below
// /proc/sys/net every look-up answers for the namespace of the thread that asks.
func (h *handle) openSetting(name string, flags int) (fd int, err error) {
	family, path, err := sysctlPath(name)
	if err != nil {
		return -1, err
	}
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

// openOnce remembers what open returns for a directory below settingsDir until the handle is closed.
func (h *handle) openOnce(name string, open func(path string) (int, error)) (dir int, err error) {
	if dir, ok := h.settings[name]; ok {
		return dir, nil
	}
	if dir, ok := h.kept.copy(h.name, h.cookie, name); ok {
		h.settings[name] = dir
		return dir, nil
	}
	path := settingsDir + "/" + name
	if dir, err = open(path); err != nil {
		return -1, fmt.Errorf("open %s: %w", path, err)
	}
	h.settings[name] = dir
	return dir, nil
}

func (h *handle) readSysctl(name string) (string, error) {
	fd, err := h.openSetting(name, unix.O_RDONLY)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", name, err)
	}
	defer unix.Close(fd)
	var buf [64]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return string(bytes.TrimSpace(buf[:n])), nil
}

func (h *handle) writeSysctl(name, value string) error {
	fd, err := h.openSetting(name, unix.O_WRONLY)
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, []byte(value))
	return errors.Join(err, unix.Close(fd))
}

// writeBirthSysctl writes a setting of a new namespace. A kernel without IPv6 has none of
// IPv6's, which is as good as having it disabled.
func (h *handle) writeInitialSysctl(name, value string) error {
	err := h.writeSysctl(name, value)
	if errors.Is(err, unix.ENOENT) && strings.HasPrefix(name, ipv6Prefix) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (s *session) setSysctl(op state.SetSysctl) error {
	h, err := s.enter(op.Namespace)
	if err != nil {
		return err
	}
	err = h.writeSysctl(op.Name, op.Value)
	if errors.Is(err, unix.ENOENT) && strings.HasPrefix(op.Name, bridgePrefix) {
		return nil // without br_netfilter no firewall sees what a bridge forwards
	}
	if errors.Is(err, unix.ENOENT) {
		return h.missingSetting(op.Name, err)
	}
	return err
}

// missingSetting says what a setting that is not there means. A link's goes with the link, and
// its IPv6 ones with an MTU that allows none.
func (h *handle) missingSetting(name string, missing error) error {
	if hasIPv6, err := h.hasIPv6(); err == nil && !hasIPv6 && strings.HasPrefix(name, ipv6Prefix) {
		return featureMissing("IPv6", missing)
	}
	if slices.Contains(state.NamespaceSysctls, name) || !strings.Contains(name, ".conf.") {
		return featureMissing("the setting "+name, missing)
	}
	return missing
}

// readSysctls reads the settings that every namespace has a row for. Those of lo came with the
// list of links.
func (h *handle) readSysctls(lo rawLink, into map[string]string) error {
	hasIPv6, err := h.hasIPv6()
	if err != nil {
		return err
	}
	told, err := h.conn.netconf()
	if err != nil {
		return err
	}
	if value, ok := lo.settings6["disable_ipv6"]; ok {
		told[state.LinkSysctl6(state.Loopback, "disable_ipv6")] = value
	}
	for _, name := range state.NamespaceSysctls {
		value, known := told[name]
		switch {
		case known:
		case !hasIPv6 && strings.HasPrefix(name, ipv6Prefix):
			value = state.BornSysctl(name)
		default:
			if value, err = h.readSysctl(name); err != nil {
				return err
			}
		}
		into[name] = value
	}
	return nil
}

// readBridgeSysctls reads the settings that every namespace with a bridge has a row for.
func (h *handle) readBridgeSysctls(into map[string]string) error {
	for _, name := range state.BridgeSysctls() {
		value, err := h.readSysctl(name)
		if errors.Is(err, unix.ENOENT) {
			value = "0"
		} else if err != nil {
			return err
		}
		into[name] = value
	}
	return nil
}

// hasIPv6 says whether the kernel has IPv6. One without looks like one where it is disabled.
func (h *handle) hasIPv6() (bool, error) {
	_, err := h.openSettings("ipv6")
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil, err
}
