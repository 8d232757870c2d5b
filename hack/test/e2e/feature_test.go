// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// features are what a sample needs that not every kernel has, and how to find out.
var features = []struct{ name, sample, try string }{
	{"VLAN filtering", "layer-3-switch.yaml", "ip link add br0 type bridge vlan_filtering 1"},
	{"netem", "satellite.yaml", "ip link add a type veth peer name b && tc qdisc add dev a root netem delay 1ms"},
}

// A lab that asks for what a kernel lacks is refused by name, on every node, and nothing of it is
// built there. Where the kernel has it, the lab is Ready.
func TestALabThatAKernelCannotHoldIsNotBegun(t *testing.T) {
	s := beginBeside(t)
	for _, f := range features {
		ns, all := tenant(t, strings.ReplaceAll(strings.ToLower(f.name), " ", "-")), nodes(t)
		lab := readLab(t, "../../../config/samples/"+f.sample, ns)
		create(t, lab)
		if kernelCan(t, all[0], f.try) {
			becomesReady(t, lab)
			s.counted("this kernel has %s: %s is Ready on %s nodes", f.name, lab.Name, lab.Status.Nodes.Summary)
			continue
		}
		lacking(t, lab, f.name, all)
		// A second look is no different.
		edit(t, lab, func(spec *v1alpha1.NetLabSpec) {
			spec.Namespaces = append(spec.Namespaces, v1alpha1.Namespace{Name: "another"})
		})
		lacking(t, lab, f.name, all)
		for _, node := range all {
			if err := leftOn(t, node, ns); err != nil {
				t.Errorf("half-built: %v", err)
			}
		}
		s.counted("this kernel has no %s: %s is Realized=False/%s on %d of %d nodes, with nothing of it there", f.name, lab.Name,
			v1alpha1.ReasonKernelFeatureMissing, len(lab.Status.NodeSummaries), len(all))
	}
}

// A lab that is there stays whole when an edit asks for what the kernel lacks.
func TestAnEditThatAKernelCannotHoldChangesNothing(t *testing.T) {
	s := beginBeside(t)
	ns, all := tenant(t, "impaired"), nodes(t)
	lab := routedPair(t, ns, "kept")
	createReady(t, lab)
	if kernelCan(t, all[0], features[1].try) {
		s.counted("this kernel has netem")
		return
	}
	before := map[string]string{}
	for _, node := range all {
		before[node] = links(t, node, ns, lab.Name)
	}
	stream := startStream(t, all[0], ns, lab.Name, pairPath)
	edit(t, lab, func(spec *v1alpha1.NetLabSpec) {
		spec.Links[0].MTU = 1400
		spec.Links[1].Impairment = &v1alpha1.Impairment{Delay: "10ms"}
	})
	lacking(t, lab, "netem", all)
	changed := 0
	for _, node := range all {
		if links(t, node, ns, lab.Name) != before[node] {
			changed++
		}
	}
	edited(t, lab, func(spec *v1alpha1.NetLabSpec) { spec.Links[0].MTU, spec.Links[1].Impairment = 0, nil })
	tally := stream.end(t)
	s.counted("an edit that needs netem: refused on %d nodes, links changed on %d, %d packets sent, %d lost; taken back, it is Ready on %s",
		len(all), changed, tally.Sent, tally.Lost, lab.Status.Nodes.Summary)
	if changed > 0 || tally.Lost > 0 || tally.Sent == 0 {
		t.Error("the lab has noticed")
	}
}

// kernelCan tries a command in a network namespace of its own.
func kernelCan(t *testing.T, node, command string) bool {
	t.Helper()
	return strings.TrimSpace(on(t, node, "unshare", "--net", "sh", "-c", "if "+command+" 2>/dev/null; then echo yes; fi")) == "yes"
}

// lacking waits until every node says that its kernel lacks that feature.
func lacking(t *testing.T, lab *v1alpha1.NetLab, feature string, nodes []string) {
	t.Helper()
	eventually(t, soon, lab.Name+" is refused on every node", func() error {
		if err := says(t, lab, v1alpha1.ConditionRealized, metav1.ConditionFalse); err != nil {
			return err
		}
		c := conditionOf(lab, v1alpha1.ConditionRealized)
		if c.Reason != v1alpha1.ReasonKernelFeatureMissing || !strings.Contains(c.Message, feature) {
			return fmt.Errorf("%s: %s", c.Reason, c.Message)
		}
		if refused := len(lab.Status.NodeSummaries); refused != len(nodes) || lab.Status.Nodes.Realized != 0 {
			return fmt.Errorf("refused on %d nodes: %+v", refused, lab.Status.Nodes)
		}
		for _, node := range lab.Status.NodeSummaries {
			if node.Reason != v1alpha1.ReasonKernelFeatureMissing {
				return fmt.Errorf("%s says %s", node.Name, node.Reason)
			}
		}
		return nil
	})
}
