// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// ObserveIn is Observe for some namespaces, in which something may have changed since the last observation. The others
// are taken from that, which is updated. It returns the namespaces that it has looked at: where a cable has changed,
// those at its other end too, and all if that does not tell where the other end is.
func (k *Kernel) ObserveIn(ctx context.Context, id state.Identity, want state.State, last state.Observation, namespaces []string) (found state.Observation, looked []string, err error) {
	for attempt := 1; ; attempt++ {
		found, looked, err = k.observeInOnce(ctx, id, want, last, namespaces)
		if attempt == maxReads || !changedMeanwhile(err) {
			break
		}
		k.log.DebugContext(ctx, "observe again", "lab", id.String(), "because", err)
	}
	if !errors.Is(err, errPeerUnknown) {
		return found, looked, err
	}
	if found, err = k.Observe(ctx, id, want); err != nil {
		return state.Observation{}, nil, err
	}
	all := maps.Clone(found.State)
	maps.Copy(all, want)
	return found, slices.Sorted(maps.Keys(all)), nil
}

// errPeerUnknown says that the other end of a veth may be in any namespace.
var errPeerUnknown = errors.New("the other end of a veth is not where it was")

func (k *Kernel) observeInOnce(ctx context.Context, id state.Identity, want state.State, last state.Observation, namespaces []string) (state.Observation, []string, error) {
	o := newObserver(id, want, nil)
	o.last = &last
	var parts []*observer
	defer func() {
		for _, part := range parts {
			part.close()
		}
	}()
	for next := o.owned(namespaces); len(next) > 0; next = o.peersOfChanged(next) {
		reading := split(id, want, next)
		parts = append(parts, reading...)
		if err := k.readAll(ctx, reading); err != nil {
			return state.Observation{}, nil, err
		}
		for _, part := range reading {
			o.merge(part)
		}
		o.names = append(o.names, next...)
	}
	slices.SortFunc(o.snapshots, func(a, b *snapshot) int { return strings.Compare(a.handle.name, b.handle.name) })
	if err := o.addRows(); err != nil {
		return state.Observation{}, nil, err
	}
	last.Update(o.names, o.result())
	return last, o.names, nil
}

// owned are, sorted, the names that can be the lab's.
func (o *observer) owned(names []string) []string {
	own := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, was := o.last.State[name]
		_, wanted := o.want[name]
		return !was && !wanted && (!strings.HasPrefix(name, o.id.Prefix()) || checkName(name) != nil)
	})
	slices.Sort(own)
	return slices.Compact(own)
}

// peersOfChanged are the namespaces that were not looked at and had the other end of a cable that is not as it was.
func (o *observer) peersOfChanged(names []string) []string {
	snapshots := map[string]*snapshot{}
	for _, snap := range o.snapshots {
		snapshots[snap.handle.name] = snap
	}
	var more []string
	for _, name := range names {
		for link, row := range o.last.State[name].Links {
			if peer := row.Peer.Namespace; peer != "" && !slices.Contains(o.names, peer) && !o.isAsLast(snapshots[name], state.LinkID{Namespace: name, Name: link}) {
				more = append(more, peer)
			}
		}
	}
	slices.Sort(more)
	return slices.Compact(more)
}

// isAsLast reports whether a link was there and still has the same other end, and the same mark.
func (o *observer) isAsLast(snap *snapshot, id state.LinkID) bool {
	if snap == nil {
		return false
	}
	row, known := o.last.State.Link(id)
	i := slices.IndexFunc(snap.links, func(l rawLink) bool { return l.name == id.Name })
	if !known || i < 0 {
		return false
	}
	l := snap.links[i]
	return l.isVeth() && l.index == o.last.Index[id] && l.group == row.Group && l.peerIndex == o.last.Index[row.Peer]
}

// lastGroup is the group of a link in a namespace that was not looked at, 0 for any other.
func (o *observer) lastGroup(id state.LinkID) uint32 {
	if o.last == nil || slices.Contains(o.names, id.Namespace) {
		return 0
	}
	return o.last.State[id.Namespace].Links[id.Name].Group
}

// knowsPeers takes the peers that are in other namespaces from the last observation. It is false if one may be
// anywhere.
func (o *observer) knowsPeers() bool {
	for _, snap := range o.snapshots {
		for _, l := range snap.links {
			if _, known := snap.peers[l.index]; !known && l.isVeth() && !o.takeLastPeer(snap, l) {
				return false
			}
		}
	}
	return true
}

// takeLastPeer is for an end of which no other is in the namespaces that were looked at.
func (o *observer) takeLastPeer(snap *snapshot, l rawLink) bool {
	id := state.LinkID{Namespace: snap.handle.name, Name: l.name}
	row, was := o.last.State.Link(id)
	switch {
	case was && row.Peer == (state.LinkID{}): // it had left the lab
		return l.index == o.last.Index[id]
	case was:
		snap.peers[l.index] = row.Peer
		return o.isAsLast(snap, id) && !slices.Contains(o.names, row.Peer.Namespace)
	default: // one that NetLab did not create, from outside
		return l.group != state.LinkGroup && slices.Contains(o.last.Unmanaged, foreignLink(id, l))
	}
}
