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
	written map[string]map[state.Setting]state.Value
	// sized are bridges whose MTU somebody set: the others follow their ports.
	sized map[state.LinkID]bool
}

func newSwitches() switches {
	return switches{written: map[string]map[state.Setting]state.Value{}, sized: map[state.LinkID]bool{}}
}

// after corrects what an operation made of bridges.
func (m switches) after(op state.Op, before, next state.State) state.State {
	switch op := op.(type) {
	case state.DeleteNamespace:
		delete(m.written, op.Name)
	case state.SetSysctl:
		if op.IsBridge() {
			if m.written[op.Namespace] == nil {
				m.written[op.Namespace] = map[state.Setting]state.Value{}
			}
			m.written[op.Namespace][op.Setting] = op.Value
		}
	case state.AddBridge:
		n := next[op.Namespace]
		for s, value := range m.written[op.Namespace] {
			n.Settings[s] = value
		}
		next[op.Namespace] = n
	case state.SetMTU:
		if _, ok := before[op.Namespace].Bridges[op.Name]; ok && before[op.Namespace].Links[op.Name].MTU != op.MTU {
			m.sized[op.LinkID] = true
		}
	default: // changes nothing that is remembered
	}
	maps.DeleteFunc(m.sized, func(id state.LinkID, _ bool) bool { _, there := next[id.Namespace].Bridges[id.Name]; return !there })
	return m.followPorts(before, next)
}

// followPorts gives a bridge whose ports changed the smallest MTU of those it has (br_mtu_auto_adjust).
func (m switches) followPorts(before, next state.State) state.State {
	for namespace, n := range before {
		for bridge := range n.Bridges {
			_, still := next[namespace].Bridges[bridge]
			id := state.LinkID{Namespace: namespace, Name: bridge}
			if !still || m.sized[id] || maps.Equal(ports(n, bridge), ports(next[namespace], bridge)) {
				continue
			}
			mtu := 1500
			if list := slices.Collect(maps.Values(ports(next[namespace], bridge))); len(list) > 0 {
				mtu = slices.Min(list)
			}
			next = next.With(state.SetMTU{LinkID: id, MTU: mtu})
		}
	}
	return next
}

// ports are a bridge's, with their MTUs.
func ports(n state.Namespace, bridge string) map[string]int {
	list := map[string]int{}
	for name, link := range n.Links {
		if link.Master == bridge {
			list[name] = link.MTU
		}
	}
	return list
}
