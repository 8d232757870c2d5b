// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
	"github.com/netlab-dev/netlab/controllers/graph/render"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

func TestScratch(t *testing.T) {
	files, _ := filepath.Glob("../../../config/samples/*.yaml")
	for _, f := range files {
		data, _ := os.ReadFile(f)
		var n v1alpha1.NetLab
		if err := yaml.Unmarshal(data, &n); err != nil || n.Kind != "NetLab" {
			continue
		}
		c, err := lab.Compile(state.Identity{Namespace: "default", Name: n.Name}, &n.Spec, lab.Options{})
		if err != nil {
			t.Log(f, err)
			continue
		}
		start := time.Now()
		p := layout.New(graph.New(&n.Spec, c).Grouped(), layout.Positions{})
		svg := render.SVG(p)
		t.Logf("%-24s %8v %5dx%5d crossings %d", filepath.Base(f), time.Since(start).Round(100*time.Microsecond), p.Width, p.Height, p.Crossings)
		os.WriteFile("/tmp/picture/out/"+strings.TrimSuffix(filepath.Base(f), ".yaml")+".svg", []byte(svg), 0o644)
	}
}
