// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// bench is a lab with what happens to it. There may be several of the same spec, of which the
// same happens to all.
type bench struct {
	labs []state.Identity
	spec *v1alpha1.NetLabSpec
	// edited has another address for one host.
	edited *v1alpha1.NetLabSpec
	parts  []part
}

// part is what is about one of the labs.
type part struct {
	want state.State
	// wantEdited is what edited wants, damaged what is left when an address was deleted.
	wantEdited, damaged state.State
	// damage is a change of the lab by hand.
	damage state.DeleteAddress
}

// tutorials is the tutorial's lab many times in one: two hosts and a router each.
func tutorials(labs int) (*v1alpha1.NetLabSpec, error) {
	spec := &v1alpha1.NetLabSpec{}
	for i := range labs {
		left, right, router := fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i), fmt.Sprintf("r%d", i)
		spec.Namespaces = append(spec.Namespaces, v1alpha1.Namespace{Name: left}, v1alpha1.Namespace{Name: right})
		spec.Routers = append(spec.Routers, v1alpha1.Router{Name: router})
		for side, host := range []string{left, right} {
			cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(2*(i/256) + side), byte(i % 256), 0}), 24)
			spec.Subnets = append(spec.Subnets, v1alpha1.Subnet{Name: host, CIDRs: []string{cidr.String()}})
			spec.Links = append(spec.Links, v1alpha1.Link{Name: host, Subnet: host, Endpoints: []v1alpha1.Endpoint{{Name: host}, {Name: router}}})
		}
	}
	return spec, nil
}

// sample reads a lab from a file.
func sample(path string) (*v1alpha1.NetLabSpec, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var netlab v1alpha1.NetLab
	if err := yaml.UnmarshalStrict(content, &netlab); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &netlab.Spec, nil
}

func newBench(spec *v1alpha1.NetLabSpec, copies int) (*bench, error) {
	b := &bench{spec: spec}
	for i := range copies {
		name := fmt.Sprintf("bench-%d", i)
		b.labs = append(b.labs, state.Identity{Namespace: "default", Name: name, Owner: state.LocalOwner("default", name)})
	}
	for _, lab := range b.labs {
		p, err := b.part(lab)
		if err != nil {
			return nil, err
		}
		b.parts = append(b.parts, p)
	}
	return b, nil
}

func (b *bench) part(lab state.Identity) (p part, err error) {
	if p.want, err = compile(lab, b.spec); err != nil {
		return p, err
	}
	if err := b.edit(lab, &p); err != nil {
		return p, err
	}
	if p.wantEdited, err = compile(lab, b.edited); err != nil {
		return p, err
	}
	p.damaged = p.want.With(p.damage)
	return p, nil
}

func compile(built state.Identity, spec *v1alpha1.NetLabSpec) (state.State, error) {
	compiled, err := lab.Compile(built, spec, lab.Options{Symlinks: true})
	if err != nil {
		return state.State{}, err
	}
	return compiled.Want, nil
}

// edit picks the last link with a host, writes another address into it, and makes the damage the
// loss of the one it has. With the mask of the old one the new address would be a secondary while both
// are there, and are deleted with the old one unless promote_secondaries is set, as a tutorial
// has not.
func (b *bench) edit(lab state.Identity, p *part) error {
	b.edited = b.spec.DeepCopy()
	for i, link := range slices.Backward(b.edited.Links) {
		host := lab.NetworkNamespace(link.Endpoints[0].Name)
		for id := range p.want.Addresses() {
			if id.Namespace == host && id.Link == link.Name {
				b.edited.Links[i].Endpoints[0].Addresses = []string{upperHalf(id.Prefix).String()}
				p.damage = state.DeleteAddress{AddressID: id}
				return nil
			}
		}
	}
	return fmt.Errorf("no host has an address")
}

// upperHalf is the first address of an IPv4 subnet's upper half, where its router is, with the half's mask.
func upperHalf(subnet netip.Prefix) netip.Prefix {
	first := subnet.Masked().Addr().As4()
	binary.BigEndian.PutUint32(first[:], binary.BigEndian.Uint32(first[:])|1<<(31-subnet.Bits())|1)
	return netip.PrefixFrom(netip.AddrFrom4(first), subnet.Bits()+1)
}

func (b *bench) build() []state.Op {
	return b.plan(func(p part) []state.Op { return state.Diff(state.State{}, p.want) })
}

func (b *bench) change() []state.Op {
	return b.plan(func(p part) []state.Op { return state.Diff(p.want, p.wantEdited) })
}

// spoil undoes the edit and does the damage.
func (b *bench) spoil() []state.Op {
	return b.plan(func(p part) []state.Op { return append(state.Diff(p.wantEdited, p.want), p.damage) })
}

func (b *bench) repair() []state.Op {
	return b.plan(func(p part) []state.Op { return state.Diff(p.damaged, p.want) })
}

func (b *bench) tearDown() []state.Op {
	return b.plan(func(p part) []state.Op { return state.Diff(p.want, state.State{}) })
}

// plan is one after the other, a plan for each lab.
func (b *bench) plan(of func(part) []state.Op) []state.Op {
	var ops []state.Op
	for _, p := range b.parts {
		ops = append(ops, of(p)...)
	}
	return ops
}

func (b *bench) namespaces() (sum int) {
	for _, p := range b.parts {
		sum += len(p.want)
	}
	return sum
}
