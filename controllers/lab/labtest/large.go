// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"fmt"
	"net/netip"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// Grid describes a large lab of a plain kind: routers in a grid, and hosts that are linked to them in turn. Each of
// the first routers has its hosts behind a switch.
type Grid struct {
	Routers, Hosts, Switches int
	// Links is the maximum number of links; 0 is that of the API.
	Links int
	// Loopbacks are IPv4 loopbacks of each router; HostLoopbacks those of each host.
	Loopbacks, HostLoopbacks int
	// IPv6 gives links IPv6 addresses as well.
	IPv6 bool
}

// The largest numbers that the API allows.
const (
	MaxNamespaces = 256
	MaxRouters    = 128
	MaxSwitches   = 64
	MaxLinks      = 512
	MaxSubnets    = 256
	MaxLoopbacks  = 8
	MaxAddresses  = 8
)

// gridWidth is the number of routers in a row.
const gridWidth = 12

// Lab is the lab with a name.
func (g Grid) Lab(name string) *v1alpha1.NetLab {
	lab := &v1alpha1.NetLab{}
	lab.APIVersion, lab.Kind = v1alpha1.GroupVersion.String(), "NetLab"
	lab.Namespace, lab.Name = "default", name
	lab.Spec = *g.Spec()
	return lab
}

// Spec is the lab's description.
func (g Grid) Spec() *v1alpha1.NetLabSpec {
	b := gridBuilder{Grid: g, spec: &v1alpha1.NetLabSpec{}}
	if b.Links == 0 {
		b.Links = MaxLinks
	}
	b.addNodes()
	b.addHostLinks()
	b.addRouterLinks()
	return b.spec
}

type gridBuilder struct {
	Grid
	spec      *v1alpha1.NetLabSpec
	loopbacks uint32
}

func (b *gridBuilder) addNodes() {
	for i := range b.Routers {
		b.spec.Routers = append(b.spec.Routers, v1alpha1.Router{Name: router(i), NodeConfig: b.config(b.Loopbacks)})
	}
	for i := range b.Hosts {
		b.spec.Namespaces = append(b.spec.Namespaces, v1alpha1.Namespace{Name: fmt.Sprintf("h%d", i), NodeConfig: b.config(b.HostLoopbacks)})
	}
	for i := range b.Switches {
		subnet := fmt.Sprintf("lan%d", i)
		cidrs := []string{fmt.Sprintf("10.100.%d.0/24", i)}
		if b.IPv6 {
			cidrs = append(cidrs, fmt.Sprintf("fd01:%x::/64", i))
		}
		b.spec.Subnets = append(b.spec.Subnets, v1alpha1.Subnet{Name: subnet, CIDRs: cidrs})
		b.spec.Switches = append(b.spec.Switches, v1alpha1.Switch{Name: fmt.Sprintf("s%d", i), Subnet: subnet})
		b.link(v1alpha1.Endpoint{Name: router(i)}, v1alpha1.Endpoint{Name: fmt.Sprintf("s%d", i)})
	}
}

func (b *gridBuilder) config(loopbacks int) (c v1alpha1.NodeConfig) {
	for range loopbacks {
		b.loopbacks++
		c.Loopbacks = append(c.Loopbacks, netip.AddrFrom4([4]byte{10, 200 + byte(b.loopbacks>>16), byte(b.loopbacks >> 8), byte(b.loopbacks)}).String()+"/32")
	}
	return c
}

func (b *gridBuilder) addHostLinks() {
	for i := range b.Hosts {
		host := v1alpha1.Endpoint{Name: fmt.Sprintf("h%d", i)}
		if at := i % b.Routers; at < b.Switches {
			b.link(host, v1alpha1.Endpoint{Name: fmt.Sprintf("s%d", at)})
		} else {
			b.linkNetwork(host.Name, router(at))
		}
	}
}

func (b *gridBuilder) addRouterLinks() {
	for i := range b.Routers {
		if i%gridWidth != gridWidth-1 && i+1 < b.Routers {
			b.linkNetwork(router(i), router(i+1))
		}
		if i+gridWidth < b.Routers {
			b.linkNetwork(router(i), router(i+gridWidth))
		}
	}
}

// linkNetwork links two nodes over a network of their own.
func (b *gridBuilder) linkNetwork(nodes ...string) {
	k := len(b.spec.Links)
	var ends [2]v1alpha1.Endpoint
	for i, node := range nodes {
		addresses := []string{fmt.Sprintf("10.%d.%d.%d/24", k/256, k%256, i+1)}
		if b.IPv6 {
			addresses = append(addresses, fmt.Sprintf("fd00:%x::%d/64", k+1, i+1))
		}
		ends[i] = v1alpha1.Endpoint{Name: node, Addresses: addresses}
	}
	b.link(ends[0], ends[1])
}

func (b *gridBuilder) link(from, to v1alpha1.Endpoint) {
	if k := len(b.spec.Links); k < b.Links {
		b.spec.Links = append(b.spec.Links, v1alpha1.Link{Name: fmt.Sprintf("l%d", k), Endpoints: []v1alpha1.Endpoint{from, to}})
	}
}

func router(i int) string { return fmt.Sprintf("r%d", i) }
