// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"fmt"
	"maps"
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
	if k.observing != nil {
		return state.Observation{}, k.observing
	}
	o := &observer{Kernel: k, id: id, want: want}
	o.see = state.Observation{
		State:   state.NewState(),
		Carrier: map[state.LinkID]bool{},
		Index:   map[state.LinkID]int{},
	}
	o.namespaces()
	o.links()
	o.layers()
	o.addresses()
	o.routes()
	o.sysctls()
	slices.SortFunc(o.see.Conflicts, func(a, b state.Conflict) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(o.see.Foreign)
	return o.see, nil
}

type observer struct {
	*Kernel
	id   state.Identity
	want state.State
	see  state.Observation
}

func (o *observer) namespaces() {
	for name, ns := range o.state.Namespaces {
		_, wanted := o.want.Namespaces[name]
		switch {
		case o.owns(name, ns):
			o.see.State.Namespaces[name] = ns
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
	owner, _, marked := state.ParseMark(ns.Mark)
	return marked && owner == o.id.Owner || ns == state.Namespace{Symlink: true}
}

func found(ns state.Namespace) string {
	if ns.Mark == "" {
		return "a network namespace without a mark"
	}
	return "a network namespace marked " + ns.Mark
}

func (o *observer) inLab(namespace string) bool {
	_, ok := o.see.State.Namespaces[namespace]
	return ok
}

func (o *observer) links() {
	for id, link := range o.state.Links {
		if !o.inLab(id.Namespace) {
			continue
		}
		_, wanted := o.want.Links[id]
		if link.Group != state.LinkGroup && id.Name != state.Loopback && !wanted {
			o.foreign("interface %s in %s", id.Name, id.Namespace)
			continue
		}
		o.see.State.Links[id] = link
		o.see.Index[id] = o.index[id]
		if link.Up {
			o.see.Carrier[id] = carrier(o.state, id)
		}
	}
}

// layers are what bridges, ports and queues are beside links.
func (o *observer) layers() {
	for id := range o.see.State.Links {
		if row, ok := o.state.Bridges[id]; ok {
			o.see.State.Bridges[id] = row
		}
		if row, ok := o.state.Qdiscs[id]; ok {
			o.see.State.Qdiscs[id] = row
		}
	}
	for id, value := range o.state.Overrides {
		if _, ours := o.see.State.Links[state.LinkID{Namespace: id.Namespace, Name: id.Link}]; ours {
			o.see.State.Overrides[id] = value
		}
	}
	noPort := func(id state.LinkID) bool { return o.see.State.Links[id].Master == "" }
	o.see.Settling = slices.DeleteFunc(slices.Clone(o.settling), noPort)
	o.see.Blocked = slices.DeleteFunc(slices.Clone(o.blocked), noPort)
	for id, row := range o.state.PortVLANs {
		if _, ours := o.see.State.Links[state.LinkID{Namespace: id.Namespace, Name: id.Link}]; ours {
			o.see.State.PortVLANs[id] = row
		}
	}
}

func (o *observer) foreign(format string, args ...any) {
	o.see.Foreign = append(o.see.Foreign, fmt.Sprintf(format, args...))
}

// carrier reports whether the other end of a link that is up is up too.
func carrier(s state.State, id state.LinkID) bool {
	link := s.Links[id]
	return id.Name == state.Loopback || link.Kind != state.VethLink || s.Links[link.Peer].Up
}

func (o *observer) addresses() {
	for id, address := range o.state.Addresses {
		if _, ours := o.see.State.Links[state.LinkID{Namespace: id.Namespace, Name: id.Link}]; ours {
			o.see.State.Addresses[id] = address
		}
	}
}

func (o *observer) routes() {
	for id, route := range o.state.Routes {
		_, wanted := o.want.Routes[id]
		switch {
		case !o.inLab(id.Namespace):
		case wanted || route.Protocol == state.RouteProtocol:
			o.see.State.Routes[id] = route
		default:
			o.foreign("route %s (protocol %d) in %s", id.Prefix, route.Protocol, id.Namespace)
		}
	}
}

func (o *observer) sysctls() {
	maps.Copy(o.see.State.Sysctls, o.state.Sysctls)
	maps.DeleteFunc(o.see.State.Sysctls, func(id state.SysctlID, _ string) bool {
		link, ofLink := linkOfSysctl(id.Name)
		_, ours := o.see.State.Links[state.LinkID{Namespace: id.Namespace, Name: link}]
		return !o.inLab(id.Namespace) || ofLink && !ours
	})
}

// linkOfSysctl is the link whose setting it is; ok is false for those of the namespace.
func linkOfSysctl(name string) (link string, ok bool) {
	_, rest, found := strings.Cut(name, ".conf.")
	at := strings.LastIndexByte(rest, '.')
	if !found || at < 0 {
		return "", false
	}
	switch link = rest[:at]; link {
	case "all", "default", state.Loopback:
		return "", false
	}
	return link, true
}
