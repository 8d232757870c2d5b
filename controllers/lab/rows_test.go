// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// Before any row is written, the compiler knows how many there will be.
func TestRowsAreCountedAsTheyAreWritten(t *testing.T) {
	labs := samples(t)
	for seed := range uint64(300) {
		labs[fmt.Sprintf("random lab %d", seed)] = labtest.New(seed, statetest.Features{}).Spec()
	}
	labs["a grid"] = labtest.Grid{Routers: 20, Hosts: 30, Switches: 4, Loopbacks: 2, HostLoopbacks: 1, IPv6: true}.Spec()
	for name, spec := range labs {
		netlab := &v1alpha1.NetLab{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "lab"}, Spec: *spec}
		compiled, err := lab.Compile(state.Identity{Namespace: "default", Name: "lab"}, spec, lab.Options{})
		if err != nil {
			continue // a sample with a mistake
		}
		if counted, written := lab.CountRows(netlab), compiled.Want.Rows(); counted != written {
			t.Errorf("%s: %d rows counted, %d written", name, counted, written)
		}
	}
}

func samples(t *testing.T) map[string]*v1alpha1.NetLabSpec {
	files, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d samples, error %v", len(files), err)
	}
	labs := map[string]*v1alpha1.NetLabSpec{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var netlab v1alpha1.NetLab
		if err := yaml.Unmarshal(text, &netlab); err != nil {
			t.Fatal(err)
		}
		labs[file] = &netlab.Spec
	}
	return labs
}

// Labs with as many objects as the API allows are accepted, where they are as people would write them.
func TestPlainLabsOfTheLargestSizeAreAccepted(t *testing.T) {
	for _, g := range []labtest.Grid{
		{Routers: labtest.MaxRouters, Hosts: labtest.MaxNamespaces, Switches: labtest.MaxSwitches},
		{Routers: labtest.MaxRouters, Hosts: labtest.MaxNamespaces, Switches: labtest.MaxSwitches, Loopbacks: 1},
		{Routers: labtest.MaxRouters, Hosts: labtest.MaxNamespaces},
		{Routers: labtest.MaxRouters, Hosts: labtest.MaxNamespaces, Loopbacks: 1},
		{Routers: 64, Hosts: labtest.MaxNamespaces, Loopbacks: 1, IPv6: true},
	} {
		if problems := lab.Validate(g.Lab("large")); len(problems) > 0 {
			t.Errorf("%+v: %v", g, problems)
		}
	}
}

// The limit is exact, and the refusal names what the lab has.
func TestALabOfOneRowTooManyIsRefused(t *testing.T) {
	netlab := largest()
	if problems := lab.Validate(netlab); len(problems) > 0 {
		t.Fatal(problems)
	}
	r := &netlab.Spec.Routers[0]
	r.Routes = append(r.Routes, v1alpha1.Route{To: "192.0.2.0/24", Type: v1alpha1.RouteBlackhole})
	problems := lab.Validate(netlab)
	if len(problems) != 1 || problems[0].Field != "spec" || !strings.Contains(problems[0].Message, "120,001 rows, more than the limit of 120,000") {
		t.Errorf("problems are %v", problems)
	}
}

// largest is a lab of exactly as many rows as are allowed.
func largest() *v1alpha1.NetLab {
	netlab := labtest.Grid{Routers: labtest.MaxRouters, Hosts: labtest.MaxNamespaces, Loopbacks: 3}.Lab("largest")
	left := lab.MaxRows - lab.CountRows(netlab)
	for i := range left {
		x := &netlab.Spec.Routers[i%labtest.MaxRouters]
		x.Routes = append(x.Routes, v1alpha1.Route{To: fmt.Sprintf("192.168.%d.0/24", i/labtest.MaxRouters), Type: v1alpha1.RouteBlackhole})
	}
	return netlab
}

// A lab that is too large is refused without its rows: the cost is that of an accepted lab at most.
func TestRefusingALargeLabTakesNoRows(t *testing.T) {
	accepted := allocated(labtest.Grid{Routers: labtest.MaxRouters, Hosts: labtest.MaxNamespaces, Loopbacks: 1}.Lab("accepted"))
	refused := allocated(labtest.Grid{Routers: labtest.MaxRouters, Hosts: labtest.MaxNamespaces, Loopbacks: 8, HostLoopbacks: 8}.Lab("refused"))
	if refused > 2*accepted {
		t.Errorf("refusing 460,000 rows allocates %d bytes, accepting 80,000 allocates %d", refused, accepted)
	}
}

func allocated(netlab *v1alpha1.NetLab) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = lab.Validate(netlab)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Hosts that see each other over many VLANs have few rows, and pairs without number: 384 nodes in 16 VLANs are
// 2,359,296 pairs of interfaces.
func TestCompilingKeepsNoPairsOfInterfaces(t *testing.T) {
	const most = 200 << 20
	if took := allocated(stretchedLAN()); took > most {
		t.Errorf("compiling allocates %d MiB, more than %d", took>>20, most>>20)
	}
}

// stretchedLAN has every host and router on one switch, in as many VLANs as an interface can have.
func stretchedLAN() *v1alpha1.NetLab {
	netlab := &v1alpha1.NetLab{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "lan"}}
	s := &netlab.Spec
	s.Switches = []v1alpha1.Switch{{Name: "sw", VLANFiltering: v1alpha1.Enabled}}
	for i := range 16 {
		vlan := v1alpha1.VLANID(i + 2)
		s.Subnets = append(s.Subnets, v1alpha1.Subnet{Name: fmt.Sprintf("v%d", vlan), CIDRs: []string{fmt.Sprintf("10.%d.0.0/16", vlan)}})
		s.Switches[0].VLANs = append(s.Switches[0].VLANs, v1alpha1.SwitchVLAN{ID: vlan, Subnet: fmt.Sprintf("v%d", vlan)})
	}
	connect := func(node string) {
		end, port := v1alpha1.Endpoint{Name: node}, v1alpha1.Endpoint{Name: "sw"}
		for _, v := range s.Switches[0].VLANs {
			end.Subinterfaces = append(end.Subinterfaces, v1alpha1.Subinterface{VLAN: v.ID})
			port.VLANs = append(port.VLANs, v.ID)
		}
		s.Links = append(s.Links, v1alpha1.Link{Name: "l" + node, Endpoints: []v1alpha1.Endpoint{end, port}})
	}
	for i := range labtest.MaxNamespaces {
		s.Namespaces = append(s.Namespaces, v1alpha1.Namespace{Name: fmt.Sprintf("h%d", i)})
		connect(s.Namespaces[i].Name)
	}
	for i := range labtest.MaxRouters {
		s.Routers = append(s.Routers, v1alpha1.Router{Name: fmt.Sprintf("r%d", i)})
		connect(s.Routers[i].Name)
	}
	return netlab
}
