// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// ChangedSettings lists the settings of a namespace and of its links that have another value than in a new namespace
// and that no lab can have. It reads some 200 files, so it is asked only about packets that get lost for no other reason.
func (k *Kernel) ChangedSettings(_ context.Context, namespace string) ([]state.Unmanaged, error) {
	var now []settingsDirectory
	err := k.withSession(func(s *session) error {
		h, err := s.enter(namespace)
		if err != nil {
			return err
		}
		links, err := h.conn.links()
		if err != nil {
			return fmt.Errorf("list links: %w", err)
		}
		now, err = readDirectories(directoriesOf(links))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list settings of %s: %w", namespace, err)
	}
	initial, err := k.initialSettings(now)
	if err != nil {
		return nil, fmt.Errorf("list settings of a new namespace: %w", err)
	}
	var found []state.Unmanaged
	for i, d := range now {
		found = append(found, d.changed(namespace, initial[i])...)
	}
	return found, nil
}

// settingsDirectory is a directory below settingsDir with the values of its files.
type settingsDirectory struct {
	path string
	// link is whose settings they are, mtu its MTU; initial is the directory that has their values in a new namespace.
	link    string
	mtu     int
	initial string
	values  map[string]string
}

// directoriesOf are those that decide about packets. A new interface's neighbour settings are those of lo.
func directoriesOf(links []rawLink) (list []settingsDirectory) {
	for _, family := range []string{"ipv4", "ipv6"} {
		for _, path := range []string{family, family + "/conf/all", family + "/icmp"} {
			list = append(list, settingsDirectory{path: path, initial: path})
		}
		for _, l := range links {
			if !l.loopback {
				list = append(list,
					settingsDirectory{path: family + "/conf/" + l.name, link: l.name, mtu: l.mtu, initial: family + "/conf/default"},
					settingsDirectory{path: family + "/neigh/" + l.name, link: l.name, initial: family + "/neigh/" + state.Loopback})
			}
		}
	}
	return list
}

// readDirectories reads in the namespace that the thread is in.
func readDirectories(list []settingsDirectory) ([]settingsDirectory, error) {
	for i := range list {
		values, err := settingValues(list[i].path)
		if err != nil {
			return nil, err
		}
		list[i].values = values
	}
	return list, nil
}

// initialSettings reads in a new namespace what belongs to directories.
func (k *Kernel) initialSettings(now []settingsDirectory) (initial []map[string]string, err error) {
	known := map[string]map[string]string{}
	err = k.onTrial(func(*session) error {
		for _, d := range now {
			if known[d.initial] == nil {
				values, err := settingValues(d.initial)
				if err != nil {
					return err
				}
				known[d.initial] = values
			}
			initial = append(initial, known[d.initial])
		}
		return nil
	})
	return initial, err
}

// settingValues are those of the files in a directory; none if the family is not there. Some cannot be read before they
// are written (stable_secret).
func settingValues(path string) (map[string]string, error) {
	values := map[string]string{}
	files, err := os.ReadDir(settingsDir + "/" + path)
	if errors.Is(err, fs.ErrNotExist) {
		return values, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	for _, file := range files {
		if value, err := os.ReadFile(settingsDir + "/" + path + "/" + file.Name()); err == nil {
			values[file.Name()] = strings.TrimSpace(string(value))
		}
	}
	return values, nil
}

// changed lists the values that differ from the initial ones.
func (d settingsDirectory) changed(namespace string, initial map[string]string) (found []state.Unmanaged) {
	for _, key := range slices.Sorted(maps.Keys(d.values)) {
		value, usual := d.values[key], initial[key]
		if key == "mtu" && d.link != "" { // of IPv6: that of the link
			usual = strconv.Itoa(d.mtu)
		}
		path := d.path + "/" + key
		if value == usual || !decides(path, key) {
			continue
		}
		name := state.SysctlName(path)
		found = append(found, state.Unmanaged{
			What:    fmt.Sprintf("%s is %s (%s in a new namespace)", name, value, usual),
			Look:    fmt.Sprintf("ip netns exec %s sysctl %s", namespace, name),
			Undo:    fmt.Sprintf("ip netns exec %s sysctl -qw %s", namespace, assignment(name, usual)),
			Setting: state.UnmanagedSetting{Name: name, Value: value, Link: d.link},
		})
	}
	return found
}

// assignment is an argument of sysctl. Some values have blanks.
func assignment(name, value string) string {
	if strings.ContainsAny(value, " \t") || value == "" {
		return fmt.Sprintf("%s=%q", name, strings.Join(strings.Fields(value), " "))
	}
	return name + "=" + value
}

// otherSettings are beginnings of the names of settings for other packets than those of a ping.
var otherSettings = []string{
	"tcp_", "udp_", "igmp", "mld", "ip_local_", "ip_autobind", "ip_unprivileged", "ip_dynaddr", "ping_group_range", "bindv6only",
	"temp_", "regen_", "router_", "ra_", "accept_ra", "autoconf", "use_tempaddr", "max_", "stable_secret", "flowlabel_", "idgen_", "ioam6_", "seg6_", "rpl_",
	"fib_notify", "xfrm", "disable_policy", "disable_xfrm", "tag", "log_martians", "base_reachable_time", "gc_stale_time", "delay_first_probe_time",
}

// oldNames are other names of settings, in other units, and of ip_forward.
var oldNames = []string{"retrans_time", "unres_qlen", "forwarding"}

// decides reports whether a setting can decide about a ping and no lab has a row for it.
func decides(path, key string) bool {
	_, managed := state.ParseSetting("net." + strings.ReplaceAll(path, "/", "."))
	return !managed && !slices.Contains(oldNames, key) && !slices.ContainsFunc(otherSettings, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}
