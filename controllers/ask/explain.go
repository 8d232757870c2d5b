// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"context"
	"fmt"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// Explanation is the path of a probe's packets in both directions, as the kernels of the nodes decide.
type Explanation struct {
	// Name is the name of the probe, or "FROM to TO".
	Name   string          `json:"name"`
	Family v1alpha1.Family `json:"family"`
	// Passed reports whether the outcome is the expected one.
	Passed bool          `json:"passed"`
	Walk   diagnose.Walk `json:"walk"`
}

// Explain follows the packets of a probe of the lab, or of all of them if named is empty.
func (l *Lab) Explain(ctx context.Context, named string) ([]Explanation, error) {
	probes, err := l.named(named)
	if err != nil {
		return nil, err
	}
	return l.explain(ctx, probes)
}

// named returns a probe of the lab, once for each family, or all of them if named is empty.
func (l *Lab) named(named string) (probes []lab.Probe, err error) {
	for _, p := range l.Probes {
		if named == "" || p.Name == named {
			probes = append(probes, p)
		}
	}
	if named != "" && len(probes) == 0 {
		return nil, fmt.Errorf("%s has no probe %q%s", l.id, named, known(l.spec.Probes))
	}
	return probes, nil
}

// ExplainPath follows packets along a path, in every family that both ends have.
func (l *Lab) ExplainPath(ctx context.Context, path Path) ([]Explanation, error) {
	probes, err := l.questions(path)
	if err != nil {
		return nil, err
	}
	for i := range probes {
		probes[i].Name = path.String()
	}
	return l.explain(ctx, probes)
}

func (l *Lab) explain(ctx context.Context, probes []lab.Probe) ([]Explanation, error) {
	seen, err := l.observe(ctx)
	if err != nil {
		return nil, err
	}
	explanations := make([]Explanation, len(probes))
	for i, p := range probes {
		l.machine.progress(fmt.Sprintf("probing %s (%s): %d of %d", p.Name, p.Family, i+1, len(probes)))
		result := l.machine.Once(ctx, l.Lab, p)
		walk, err := l.machine.walk(ctx, l.Lab, p, result, seen)
		if err != nil {
			return nil, fmt.Errorf("explain %s: %w", p.Name, err)
		}
		explanations[i] = Explanation{Name: p.Name, Family: p.Family, Passed: result.Verdict == probe.Pass, Walk: walk}
	}
	return explanations, nil
}

func known(probes []v1alpha1.Probe) string {
	names := make([]string, len(probes))
	for i, p := range probes {
		names[i] = p.Name
	}
	if len(names) == 0 {
		return "; it has none"
	}
	return "; its probes: " + strings.Join(names, ", ")
}
