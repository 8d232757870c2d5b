// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// Observe reads what the machine holds of a lab.
func (k *Kernel) Observe(ctx context.Context, id state.Identity, want state.State) (state.Observation, error) {
	if err := ctx.Err(); err != nil {
		return state.Observation{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.looks++
	return k.observe(id, want)
}

// ObserveIn reads what namespaces hold of a lab, and those at the other end of a cable that has changed. The others are
// as last observed.
func (k *Kernel) ObserveIn(ctx context.Context, id state.Identity, want state.State, last state.Observation, namespaces []string) (state.Observation, []string, error) {
	if err := ctx.Err(); err != nil {
		return state.Observation{}, nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now, err := k.observe(id, want)
	if err != nil {
		return state.Observation{}, nil, err
	}
	looked := slices.Clone(namespaces)
	for i := 0; i < len(looked); i++ {
		before, after := last.State[looked[i]].Links, now.State[looked[i]].Links
		for name, link := range before {
			if same := after[name].Peer == link.Peer && after[name].Group == link.Group; !same && link.Peer.Namespace != "" && !slices.Contains(looked, link.Peer.Namespace) {
				looked = append(looked, link.Peer.Namespace)
			}
		}
		for name, link := range after {
			if before[name].Peer != link.Peer && !slices.Contains(looked, link.Peer.Namespace) {
				looked = append(looked, link.Peer.Namespace)
			}
		}
	}
	k.looksIn = append(k.looksIn, looked...)
	last.Update(looked, now)
	return last, looked, nil
}

// Looks counts the observations of whole labs since the last call, and lists the namespaces that others were of.
func (k *Kernel) Looks() (whole int, namespaces []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	whole, namespaces = k.looks, k.looksIn
	k.looks, k.looksIn = 0, nil
	return whole, namespaces
}

// observe is called with the lock held.
func (k *Kernel) observe(id state.Identity, want state.State) (state.Observation, error) {
	if k.observing != nil {
		return state.Observation{}, k.observing
	}
	o := &observer{Kernel: k, id: id, want: want}
	o.see = state.Observation{
		State:      state.State{},
		Carrier:    map[state.LinkID]bool{},
		Designated: map[state.LinkID]state.DesignatedPort{},
		Index:      map[state.LinkID]int{},
	}
	o.namespaces()
	o.links()
	o.layers()
	o.addresses()
	o.routes()
	o.staticNeighbours()
	slices.SortFunc(o.see.Conflicts, func(a, b state.Conflict) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(o.see.Unmanaged)
	return o.see, nil
}

type observer struct {
	*Kernel
	id   state.Identity
	want state.State
	see  state.Observation
}

func (o *observer) namespaces() {
	for name, ns := range o.state {
		_, wanted := o.want[name]
		switch {
		case o.owns(name, ns):
			row := state.NewNamespace()
			row.Label, row.Mounted, row.Symlink, row.Settings = ns.Label, ns.Mounted, ns.Symlink, ns.Settings
			o.see.State[name] = row
		case wanted:
			o.see.Conflicts = append(o.see.Conflicts, state.Conflict{
				Name: state.NamespaceDir + "/" + name, Found: found(ns),
			})
		}
	}
	for _, c := range o.conflicts {
		if strings.Contains(c.Name, o.id.Prefix()) {
			o.see.Conflicts = append(o.see.Conflicts, c)
		}
	}
}

// owns reports whether a namespace, or the symlink that is left of one, is the lab's.
func (o *observer) owns(name string, ns state.Namespace) bool {
	if !strings.HasPrefix(name, o.id.Prefix()) {
		return false
	}
	owner, _, marked := state.ParseLabel(ns.Label)
	return marked && owner == o.id.Owner || ns.Label == "" && !ns.Mounted && ns.Symlink
}

func found(ns state.Namespace) string {
	if ns.Label == "" {
		return "a network namespace without a mark"
	}
	return "a network namespace with the owner label " + ns.Label
}

func (o *observer) inLab(namespace string) bool {
	_, ok := o.see.State[namespace]
	return ok
}

func (o *observer) links() {
	for id, link := range o.state.Links() {
		if !o.inLab(id.Namespace) {
			continue
		}
		_, wanted := o.want[id.Namespace].Links[id.Name]
		if link.Group != state.LinkGroup && id.Name != state.Loopback && !wanted {
			o.foreign("%s: interface %s", id.Namespace, id.Name)
			continue
		}
		o.see.State[id.Namespace].Links[id.Name] = link
		o.see.Index[id] = o.index[id]
		if link.Up {
			o.see.Carrier[id] = carrier(o.state, id)
		}
	}
}

// layers are what bridges, ports and queues are beside links.
func (o *observer) layers() {
	for id := range o.see.State.Links() {
		if row, ok := o.state[id.Namespace].Bridges[id.Name]; ok {
			o.see.State[id.Namespace].Bridges[id.Name] = row
		}
		if row, ok := o.state[id.Namespace].Qdiscs[id.Name]; ok {
			o.see.State[id.Namespace].Qdiscs[id.Name] = row
		}
	}
	noPort := func(id state.LinkID) bool { return o.see.State[id.Namespace].Links[id.Name].Master == "" }
	o.see.Settling = slices.DeleteFunc(slices.Clone(o.settling), noPort)
	o.see.Blocked = slices.DeleteFunc(slices.Clone(o.blocked), noPort)
	for name, seen := range o.see.State {
		for key, value := range o.state[name].AttributeDrift {
			if _, ours := seen.Links[key.Link]; ours {
				seen.AttributeDrift[key] = value
			}
		}
		for key, row := range o.state[name].PortVLANs {
			if _, ours := seen.Links[key.Link]; ours {
				seen.PortVLANs[key] = row
			}
		}
	}
}

func (o *observer) foreign(format string, args ...any) {
	o.see.Unmanaged = append(o.see.Unmanaged, fmt.Sprintf(format, args...))
}

// carrier reports whether the other end of a link that is up is up too.
func carrier(s state.State, id state.LinkID) bool {
	link := s[id.Namespace].Links[id.Name]
	return id.Name == state.Loopback || link.Kind != state.VethLink || s[link.Peer.Namespace].Links[link.Peer.Name].Up
}

func (o *observer) addresses() {
	for name, seen := range o.see.State {
		for key, address := range o.state[name].Addresses {
			if _, ours := seen.Links[key.Link]; ours {
				seen.Addresses[key] = address
			}
		}
	}
}

func (o *observer) routes() {
	for name, seen := range o.see.State {
		for key, route := range o.state[name].Routes {
			_, wanted := o.want[name].Routes[key]
			if !wanted && route.Protocol != state.RouteProtocol {
				o.foreign("%s: route %s (protocol %d)", name, key.Prefix, route.Protocol)
				continue
			}
			seen.Routes[key] = route
		}
	}
}

func (o *observer) staticNeighbours() {
	for name, seen := range o.see.State {
		for key, row := range o.state[name].Neighbours {
			_, wanted := o.want[name].Neighbours[key]
			if _, ours := seen.Links[key.Link]; ours && (wanted || row.Protocol == state.RouteProtocol) {
				seen.Neighbours[key] = row
			}
		}
	}
}
