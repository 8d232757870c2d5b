// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"slices"
	"strings"
)

// settingFault writes another number to any file below /proc/sys/net.
func (x *trial) settingFault() (fault, bool) {
	v, ok := x.words()
	if !ok {
		return fault{}, false
	}
	directories := fmt.Sprintf("/proc/sys/net/ipv4/conf/%[1]s /proc/sys/net/ipv4/conf/all /proc/sys/net/ipv4/neigh/%[1]s", v.dev)
	if v.addr.Is6() {
		directories = fmt.Sprintf("/proc/sys/net/ipv6/conf/%[1]s /proc/sys/net/ipv6/conf/all /proc/sys/net/ipv6/neigh/%[1]s /proc/sys/net/ipv6/icmp", v.dev)
	}
	if x.chance(30) {
		directories = pick(x, []string{"/proc/sys/net -not -path '*/conf/*' -not -path '*/neigh/*'", "/proc/sys/net/ipv4 /proc/sys/net/ipv6 -maxdepth 1"})
	}
	list, err := x.shell(fmt.Sprintf("ip netns exec %s find %s -type f -perm -u=w", v.ns, directories))
	if err != nil || list == "" {
		return fault{}, false
	}
	files := strings.Fields(list)
	slices.Sort(files)
	file := pick(x, files)
	was, err := x.shell(fmt.Sprintf("ip netns exec %s cat %s", v.ns, file))
	if err != nil || len(strings.Fields(was)) != 1 {
		return fault{}, false
	}
	now := pick(x, []string{"0", "1", "2", "8", "100", "0", "1", "255", "1280", "60000", "-1"})
	if _, err := x.shell(fmt.Sprintf("ip netns exec %s sh -c 'echo %s > %s'", v.ns, now, file)); err != nil || now == was {
		return fault{}, false
	}
	_, short, _ := cutLast(file, "/")
	return fault{
		kind: "sysctl " + short, what: fmt.Sprintf("%s: %s is %s, was %s", v.node, file, now, was), nodes: []string{v.node}, objects: []string{short, strings.ReplaceAll(short, "_", " ")},
		undo: fmt.Sprintf("ip netns exec %s sh -c 'echo %s > %s'", v.ns, was, file),
	}, true
}
