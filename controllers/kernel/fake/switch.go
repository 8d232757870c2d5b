// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// switches is what a kernel remembers of bridges that no State holds.
type switches struct {
	// written are settings of bridges by namespace, which stay when the bridge goes.
	written map[state.SysctlID]string
	// sized are bridges whose MTU somebody set: the others follow their ports.
	sized map[state.LinkID]bool
}

func newSwitches() switches {
	return switches{written: map[state.SysctlID]string{}, sized: map[state.LinkID]bool{}}
}

// after corrects what an operation made of bridges.
func (m switches) after(op state.Op, before state.State, next *state.State) {
	switch op := op.(type) {
	case state.DeleteNamespace:
		maps.DeleteFunc(m.written, func(id state.SysctlID, _ string) bool { return id.Namespace == op.Name })
	case state.SetSysctl:
		if slices.Contains(state.BridgeSysctls(), op.Name) {
			m.written[state.SysctlID{Namespace: op.Namespace, Name: op.Name}] = op.Value
		}
	case state.AddBridge:
		for id, value := range m.written {
			if id.Namespace == op.Namespace {
				next.Sysctls[id] = value
			}
		}
	case state.SetMTU:
		if _, ok := before.Bridges[op.LinkID]; ok && before.Links[op.LinkID].MTU != op.MTU {
			m.sized[op.LinkID] = true
		}
	}
	maps.DeleteFunc(m.sized, func(id state.LinkID, _ bool) bool { _, there := next.Bridges[id]; return !there })
	m.followPorts(before, next)
}

// followPorts gives a bridge whose ports changed the smallest MTU of those it has (br_mtu_auto_adjust).
func (m switches) followPorts(before state.State, next *state.State) {
	for id := range before.Bridges {
		_, still := next.Bridges[id]
		if !still || m.sized[id] || maps.Equal(ports(before, id), ports(*next, id)) {
			continue
		}
		mtu := 1500
		if list := slices.Collect(maps.Values(ports(*next, id))); len(list) > 0 {
			mtu = slices.Min(list)
		}
		*next = next.With(state.SetMTU{LinkID: id, MTU: mtu})
	}
}

// ports are a bridge's, with their MTUs.
func ports(s state.State, bridge state.LinkID) map[state.LinkID]int {
	list := map[state.LinkID]int{}
	for id, link := range s.Links {
		if id.Namespace == bridge.Namespace && link.Master == bridge.Name {
			list[id] = link.MTU
		}
	}
	return list
}
