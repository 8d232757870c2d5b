// SPDX-License-Identifier: Apache-2.0

package state

import "fmt"

// Directories that operations write to; the shell form of a plan names them.
const (
	// NamespaceDir holds a bind-mounted file per network namespace of a lab.
	NamespaceDir = "/run/netlab/netns"
	// SymlinkDir is where ip netns looks names up.
	SymlinkDir = "/run/netns"
)

// Namespace is a network namespace and what is in it. Tables of the zero Namespace can be read;
// NewNamespace makes one whose tables can be written to.
type Namespace struct {
	// Label is the owner label, the alias of its lo.
	Label string
	// Mounted is false when only the file is left: after an unmount or a crash.
	Mounted bool
	// Symlink says whether ip netns finds it by its name.
	Symlink bool
	// Settings are the namespace's own; a link's are in its row.
	Settings NamespaceSettings

	// Links, Bridges and Qdiscs are by the name of the interface.
	Links     map[string]Link
	Addresses map[AddressKey]Address
	Routes    map[RouteKey]Route
	Bridges   map[string]Bridge
	PortVLANs map[PortVLANKey]PortVLAN
	Qdiscs    map[string]Qdisc
	// Neighbours are permanent neighbour entries.
	Neighbours map[NeighbourKey]StaticNeighbour
	// AttributeDrift has the attributes that are not as the kernel makes them, with the value they
	// have instead. No lab asks for any.
	AttributeDrift map[AttributeKey]string
}

// NewNamespace returns a namespace that holds nothing and whose tables can be written to.
func NewNamespace() Namespace { return *nothing.clone() }

// nothing is a namespace that is not there.
var nothing Namespace

// sameFile compares what there is of a namespace outside it.
func (n *Namespace) sameFile(o *Namespace) bool {
	return n.Label == o.Label && n.Mounted == o.Mounted && n.Symlink == o.Symlink
}

func dumpNamespace(name string, n Namespace) string {
	return fmt.Sprintf("namespace %s {Label:%s Mounted:%t Symlink:%t}\n", name, n.Label, n.Mounted, n.Symlink)
}

// exists reports whether there is a file or a symlink of that name.
func (n *Namespace) exists() bool { return n.Label != "" || n.Mounted || n.Symlink }

// CreateNamespace makes a network namespace with its owner label and InitialSettings, and mounts it under
// its name. A file left by an earlier mount is used again.
type CreateNamespace struct {
	Name  string
	Label string
}

// DeleteNamespace unmounts a network namespace and removes its file.
type DeleteNamespace struct{ Name string }

// AddSymlink lets ip netns find a namespace by its name.
type AddSymlink struct{ Name string }

// DeleteSymlink undoes AddSymlink.
type DeleteSymlink struct{ Name string }

// Namespaces implements Op.
func (o CreateNamespace) Namespaces() []string { return []string{o.Name} }

// Namespaces implements Op.
func (o DeleteNamespace) Namespaces() []string { return []string{o.Name} }

// Namespaces implements Op.
func (o AddSymlink) Namespaces() []string { return []string{o.Name} }

// Namespaces implements Op.
func (o DeleteSymlink) Namespaces() []string { return []string{o.Name} }

func (o CreateNamespace) String() string { return "ip netns add " + o.Name }
func (o DeleteNamespace) String() string { return "ip netns delete " + o.Name }

func (o AddSymlink) String() string {
	return fmt.Sprintf("ln -s %s/%s %s/%s", NamespaceDir, o.Name, SymlinkDir, o.Name)
}

func (o DeleteSymlink) String() string { return fmt.Sprintf("rm %s/%s", SymlinkDir, o.Name) }

func (o CreateNamespace) apply(m machine) {
	have := m.at(o.Name)
	if have.Mounted && have.Label == o.Label {
		return
	}
	symlink := have.Symlink
	DeleteNamespace{o.Name}.apply(m)
	n := m.in(o.Name)
	n.Label, n.Mounted, n.Symlink = o.Label, true, symlink
	n.Settings = InitialSettings()
	n.Links[Loopback] = Link{MTU: LoopbackMTU, Settings: LoopbackSettings(InitialValue(SettingKey{Loopback, DisableIPv6}))}
}

func (o DeleteNamespace) apply(m machine) {
	n := m.at(o.Name)
	for name, link := range n.Links {
		if link.Peer.Namespace != o.Name && m.plugged(LinkID{o.Name, name}, link.Peer) {
			m.in(link.Peer.Namespace).dropLink(link.Peer.Name)
		}
	}
	m.replace(o.Name, Namespace{Symlink: n.Symlink})
}

func (o AddSymlink) apply(m machine)    { m.in(o.Name).Symlink = true }
func (o DeleteSymlink) apply(m machine) { m.in(o.Name).Symlink = false }

// replaced reports whether a namespace is somebody else's by its label and has to be created again.
func (p *played) replaced() bool {
	return p.now.Mounted && p.want.exists() && p.now.Label != p.want.Label
}

// deleteNamespaces comes after links, because deleting one takes the links in it along.
func (d *differ) deleteNamespaces() {
	d.each(func(p *played) {
		if !p.now.exists() || p.want.exists() {
			return
		}
		if p.now.Symlink {
			d.do(DeleteSymlink{p.name})
		}
		if p.now.exists() {
			d.do(DeleteNamespace{p.name})
		}
	})
}

func (d *differ) createNamespaces() {
	d.each(func(p *played) {
		if !p.want.exists() {
			return
		}
		if !p.now.Mounted {
			d.do(CreateNamespace{p.name, p.want.Label})
		}
		switch {
		case p.want.Symlink && !p.now.Symlink:
			d.do(AddSymlink{p.name})
		case p.now.Symlink && !p.want.Symlink:
			d.do(DeleteSymlink{p.name})
		}
	})
}
