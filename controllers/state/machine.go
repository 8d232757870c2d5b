// SPDX-License-Identifier: Apache-2.0

package state

import (
	"iter"
	"maps"
	"strings"
)

// machine is a State that operations are played on. A namespace is copied before the first write to
// it, so the State itself stays as it is.
type machine struct {
	have State
	// want is what Diff makes of it; nil for operations alone.
	want   State
	played map[string]*played
	// changed are the namespaces that differ or did, in the order in which they began to.
	changed *[]*played
}

// played is a namespace of a machine.
type played struct {
	name string
	now  *Namespace
	// own says that now is a copy.
	own bool
	// want is what Diff makes of it, links the names of its links in order when they are known.
	want  *Namespace
	links []string
	// differs says that now may not be what want is, listed that it is among those that changed.
	differs, listed bool
	// fresh says that the namespace was not there: no packet goes through it yet. Postponed says that something
	// of it could not be made yet.
	fresh, postponed bool
}

func (p *played) compareName(name string) int { return strings.Compare(p.name, name) }

// compare finds out whether a namespace still differs.
func (p *played) compare() { p.differs = !p.now.equal(p.want) }

// wantedLinks lists the links that there should be, in order of name.
func (p *played) wantedLinks() []string {
	if p.links == nil {
		p.links = sortedKeys(p.want.Links, strings.Compare)
	}
	return p.links
}

func newMachine(s State, size int) machine {
	return machine{have: s, played: make(map[string]*played, size), changed: &[]*played{}}
}

func (m machine) of(namespace string) *played {
	p, ok := m.played[namespace]
	if !ok {
		now := m.have[namespace]
		p = &played{name: namespace, now: &now, fresh: !now.exists()}
		if m.want != nil {
			want := m.want[namespace]
			p.want = &want
		}
		m.played[namespace] = p
	}
	return p
}

// at is a namespace, to be read.
func (m machine) at(namespace string) *Namespace { return m.of(namespace).now }

// in is a namespace, to be written to.
func (m machine) in(namespace string) *Namespace {
	p := m.of(namespace)
	m.mark(p)
	if !p.own {
		p.now, p.own = p.now.clone(), true
	}
	return p.now
}

// replace puts another namespace in a namespace's place; the zero one removes it.
func (m machine) replace(namespace string, with Namespace) {
	p := m.of(namespace)
	p.now, p.own = &with, false
	m.mark(p)
}

// mark notes that a namespace may differ from what is wanted.
func (m machine) mark(p *played) {
	p.differs = true
	if !p.listed {
		p.listed = true
		*m.changed = append(*m.changed, p)
	}
}

// state is what the machine holds. It shares with the State before what no operation wrote to.
func (m machine) state() State {
	s := maps.Clone(m.have)
	if s == nil {
		s = State{}
	}
	for name, p := range m.played {
		switch {
		case !p.now.exists() && p.now.equal(&nothing):
			delete(s, name)
		case p.differs:
			s[name] = *p.now
		}
	}
	return s
}

// namespaces yields what the machine holds, in no order.
func (m machine) namespaces() iter.Seq[*Namespace] {
	return func(yield func(*Namespace) bool) {
		for _, p := range m.played {
			if !yield(p.now) {
				return
			}
		}
		for name, n := range m.have {
			if _, played := m.played[name]; !played && !yield(&n) {
				return
			}
		}
	}
}

// link is the row of a link, in whichever namespace it is.
func (m machine) link(id LinkID) (Link, bool) {
	link, ok := m.at(id.Namespace).Links[id.Name]
	return link, ok
}
