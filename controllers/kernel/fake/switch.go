// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// switches is what a kernel remembers of bridges that no State holds.
type switches struct {
	// written are settings of bridges by namespace, which stay when the bridge goes.
	written map[topology.SysctlID]string
	// sized are bridges whose MTU somebody set: the others follow their ports.
	sized map[topology.LinkID]bool
}

func newSwitches() switches {
	return switches{written: map[topology.SysctlID]string{}, sized: map[topology.LinkID]bool{}}
}

// after corrects what an operation made of bridges.
func (m switches) after(op topology.Op, before topology.State, next *topology.State) {
	switch op := op.(type) {
	case topology.DeleteNamespace:
		maps.DeleteFunc(m.written, func(id topology.SysctlID, _ string) bool { return id.Namespace == op.Name })
	case topology.SetSysctl:
		if slices.Contains(topology.BridgeSysctls(), op.Name) {
			m.written[topology.SysctlID{Namespace: op.Namespace, Name: op.Name}] = op.Value
		}
	case topology.AddBridge:
		for id, value := range m.written {
			if id.Namespace == op.Namespace {
				next.Sysctls[id] = value
			}
		}
	case topology.SetMTU:
		if _, ok := before.Bridges[op.LinkID]; ok && before.Links[op.LinkID].MTU != op.MTU {
			m.sized[op.LinkID] = true
		}
	}
	maps.DeleteFunc(m.sized, func(id topology.LinkID, _ bool) bool { _, there := next.Bridges[id]; return !there })
	m.followPorts(before, next)
}

// followPorts gives a bridge whose ports changed the smallest MTU of those it has (br_mtu_auto_adjust).
func (m switches) followPorts(before topology.State, next *topology.State) {
	for id := range before.Bridges {
		_, still := next.Bridges[id]
		if !still || m.sized[id] || maps.Equal(ports(before, id), ports(*next, id)) {
			continue
		}
		mtu := 1500
		if list := slices.Collect(maps.Values(ports(*next, id))); len(list) > 0 {
			mtu = slices.Min(list)
		}
		*next = next.With(topology.SetMTU{LinkID: id, MTU: mtu})
	}
}

// ports are a bridge's, with their MTUs.
func ports(s topology.State, bridge topology.LinkID) map[topology.LinkID]int {
	list := map[topology.LinkID]int{}
	for id, link := range s.Links {
		if id.Namespace == bridge.Namespace && link.Master == bridge.Name {
			list[id] = link.MTU
		}
	}
	return list
}
