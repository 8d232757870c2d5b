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
func (d *door) openSetting(name string, flags int) (fd int, err error) {
	family, path, err := sysctlPath(name)
	if err != nil {
		return -1, err
	}
	dir, err := d.openSettings(family)
	if err != nil {
		return -1, err
	}
	for _, scope := range scopes {
		if key, ok := strings.CutPrefix(path, scope); ok {
			if dir, err = d.openScope(family, dir, scope); err != nil {
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
func (d *door) openScope(family string, parent int, scope string) (dir int, err error) {
	return d.openOnce(family+"/"+scope, func(string) (int, error) {
		return unix.Openat(parent, scope, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
}

// openSettings opens the directory of a family's settings, or fails with ENOENT where there are none.
func (d *door) openSettings(family string) (dir int, err error) {
	return d.openOnce(family, func(path string) (int, error) {
		return unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
}

// openOnce remembers what open returns for a directory below settingsDir until the door is closed.
func (d *door) openOnce(name string, open func(path string) (int, error)) (dir int, err error) {
	if dir, ok := d.settings[name]; ok {
		return dir, nil
	}
	if dir, ok := d.kept.copy(d.name, d.cookie, name); ok {
		d.settings[name] = dir
		return dir, nil
	}
	path := settingsDir + "/" + name
	if dir, err = open(path); err != nil {
		return -1, fmt.Errorf("open %s: %w", path, err)
	}
	d.settings[name] = dir
	return dir, nil
}

func (d *door) readSysctl(name string) (string, error) {
	fd, err := d.openSetting(name, unix.O_RDONLY)
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

func (d *door) writeSysctl(name, value string) error {
	fd, err := d.openSetting(name, unix.O_WRONLY)
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, []byte(value))
	return errors.Join(err, unix.Close(fd))
}

// writeBirthSysctl writes a setting of a new namespace. A kernel without IPv6 has none of
// IPv6's, which is as good as having it disabled.
func (d *door) writeBirthSysctl(name, value string) error {
	err := d.writeSysctl(name, value)
	if errors.Is(err, unix.ENOENT) && strings.HasPrefix(name, ipv6Prefix) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (v *visit) setSysctl(op state.SetSysctl) error {
	d, err := v.enter(op.Namespace)
	if err != nil {
		return err
	}
	err = d.writeSysctl(op.Name, op.Value)
	if errors.Is(err, unix.ENOENT) && strings.HasPrefix(op.Name, bridgePrefix) {
		return nil // without br_netfilter no firewall sees what a bridge forwards
	}
	if errors.Is(err, unix.ENOENT) {
		return d.missingSetting(op.Name, err)
	}
	return err
}

// missingSetting says what a setting that is not there means. A link's goes with the link, and
// its IPv6 ones with an MTU that allows none.
func (d *door) missingSetting(name string, missing error) error {
	if hasIPv6, err := d.hasIPv6(); err == nil && !hasIPv6 && strings.HasPrefix(name, ipv6Prefix) {
		return featureMissing("IPv6", missing)
	}
	if slices.Contains(state.NamespaceSysctls, name) || !strings.Contains(name, ".conf.") {
		return featureMissing("the setting "+name, missing)
	}
	return missing
}

// readSysctls reads the settings that every namespace has a row for. Those of lo came with the
// list of links.
func (d *door) readSysctls(lo rawLink, into map[state.SysctlID]string) error {
	hasIPv6, err := d.hasIPv6()
	if err != nil {
		return err
	}
	told, err := d.conn.netconf()
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
			if value, err = d.readSysctl(name); err != nil {
				return err
			}
		}
		into[state.SysctlID{Namespace: d.name, Name: name}] = value
	}
	return nil
}

// readBridgeSysctls reads the settings that every namespace with a bridge has a row for.
func (d *door) readBridgeSysctls(into map[state.SysctlID]string) error {
	for _, name := range state.BridgeSysctls() {
		value, err := d.readSysctl(name)
		if errors.Is(err, unix.ENOENT) {
			value = "0"
		} else if err != nil {
			return err
		}
		into[state.SysctlID{Namespace: d.name, Name: name}] = value
	}
	return nil
}

// hasIPv6 says whether the kernel has IPv6. One without looks like one where it is disabled.
func (d *door) hasIPv6() (bool, error) {
	_, err := d.openSettings("ipv6")
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil, err
}
