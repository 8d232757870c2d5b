// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/graphtest"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
	"github.com/netlab-dev/netlab/controllers/graph/render"
)

var (
	update   = flag.Bool("update", false, "write the pictures into the stories of testdata")
	pictures = flag.String("pictures", "", "folder into which every sample is drawn, to look at")
)

// Each story is a txtar file: a comment, the spec of a lab in spec.yaml, perhaps what is known of it in live.yaml, and its
// pictures as text.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runStory(t, file) })
	}
}

func runStory(t *testing.T, file string) {
	story, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	given, wanted := split(story.Files)
	g := graphOf(t, given)
	var got []txtar.File
	for _, format := range []string{"mermaid", "dot", "d2", "ascii"} {
		got = append(got, txtar.File{Name: format, Data: []byte(render.Draw(format, g, layout.Positions{}))})
	}
	if *update {
		story.Files = append(given, got...)
		if err := os.WriteFile(file, txtar.Format(story), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(txtar.Format(&txtar.Archive{Files: wanted})), string(txtar.Format(&txtar.Archive{Files: got}))); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}

// split separates what a story gives from what it wants.
func split(files []txtar.File) (given, wanted []txtar.File) {
	for _, f := range files {
		if strings.HasSuffix(f.Name, ".yaml") {
			given = append(given, f)
		} else {
			wanted = append(wanted, f)
		}
	}
	return given, wanted
}

func graphOf(t *testing.T, given []txtar.File) *graph.Graph {
	t.Helper()
	var spec v1alpha1.NetLabSpec
	if err := yaml.UnmarshalStrict(given[0].Data, &spec); err != nil {
		t.Fatal(err)
	}
	g := graphtest.Of(t, &spec)
	if len(given) > 1 {
		var live graph.Live
		if err := yaml.Unmarshal(given[1].Data, &live); err != nil {
			t.Fatal(err)
		}
		g.Show(live)
	}
	return g
}

// Every node and every link is in every picture.
func TestEverythingIsDrawn(t *testing.T) {
	graphtest.Each(t, func(t *testing.T, spec *v1alpha1.NetLabSpec) {
		g := graphtest.Of(t, spec)
		for _, format := range render.Formats {
			picture := render.Draw(format, g, layout.Positions{})
			for _, n := range g.Nodes {
				if !contains(picture, n.Name) {
					t.Errorf("%s lacks node %s", format, n.Name)
				}
			}
		}
		links := map[string]bool{}
		for _, found := range regexp.MustCompile(`data-link="([^"]*)"`).FindAllStringSubmatch(render.Draw("svg", g, layout.Positions{}), -1) {
			for _, name := range strings.Fields(found[1]) {
				links[name] = true
			}
		}
		for _, l := range g.Links {
			if !links[l.Names[0]] {
				t.Errorf("svg lacks link %s", l.Names[0])
			}
		}
	})
}

// contains looks for a whole word.
func contains(text, word string) bool {
	return regexp.MustCompile(`(^|[^a-z0-9-])` + regexp.QuoteMeta(word) + `($|[^a-z0-9-])`).MatchString(text)
}

// A picture loads nothing and runs nothing.
func TestPicturesStandAlone(t *testing.T) {
	outside := regexp.MustCompile(`https?://|url\(|@import|href|src=|<script|<foreignObject|<image`)
	for name, spec := range graphtest.Samples(t) {
		for _, format := range []string{"svg", "html"} {
			picture := render.Draw(format, graphtest.Of(t, spec), layout.Positions{})
			keep(t, name+"."+format, picture)
			picture = strings.ReplaceAll(picture, `xmlns="http://www.w3.org/2000/svg"`, "")
			if found := outside.FindString(picture); found != "" {
				t.Errorf("%s as %s has %q", name, format, found)
			}
		}
	}
}

// keep writes a picture into the folder of -pictures, to look at.
func keep(t *testing.T, name, picture string) {
	t.Helper()
	if *pictures == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*pictures, name), []byte(picture), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Messages may have any characters.
func TestMessagesAreEscaped(t *testing.T) {
	g := graphtest.Of(t, graphtest.Samples(t)["routed-pair"])
	const message = `<b>"1" & '2'</b>`
	g.Show(graph.Live{Verdict: message, Failures: []graph.Failing{{Failure: graph.Failure{Probe: "p", Reason: "NoReply", Message: message}, From: "ns1"}}})
	for _, format := range []string{"svg", "html"} {
		if picture := render.Draw(format, g, layout.Positions{}); strings.Contains(picture, "<b>") || !strings.Contains(picture, "&lt;b&gt;") {
			t.Errorf("%s has the message as it is", format)
		}
	}
}

// A failing probe moves no node, in the text of the picture either.
func TestAFailureMovesNothing(t *testing.T) {
	spec := graphtest.Samples(t)["campus"]
	plan, live := graphtest.Of(t, spec), graphtest.Of(t, spec)
	live.Show(graph.Live{Health: graph.Bad, Verdict: "Ready=False: NoReply", Failures: []graph.Failing{{
		Failure: graph.Failure{Probe: "p", Reason: "LinkDown"}, From: "server",
		Walk: &diagnose.Walk{Forward: []diagnose.Hop{{Node: "server", Outgoing: "dc1", Next: "core1"}, {Node: "core1", Outgoing: "c1d1"}}},
	}}})
	was := render.Positions([]byte(render.Draw("svg", plan, layout.Positions{})))
	is := render.Positions([]byte(render.Draw("svg", live, layout.Positions{})))
	if diff := cmp.Diff(was.Cards, is.Cards); diff != "" {
		t.Errorf("nodes move:\n%s", diff)
	}
}

// The way of packets that are lost on a link ends there.
func TestTheWayEndsOnALink(t *testing.T) {
	for _, test := range []struct{ from, out, want string }{
		{"ns1", "l1", "M%d %dH%d"}, // to the label
		{"ns2", "l2", "M%d %dh-10"},
	} {
		g := graphtest.Of(t, graphtest.Samples(t)["routed-pair"])
		g.Show(graph.Live{Failures: []graph.Failing{{From: test.from, Walk: &diagnose.Walk{Forward: []diagnose.Hop{{Node: test.from, Outgoing: test.out}}}}}})
		p := render.Layout(g, layout.Positions{})
		port := p.Cards[g.Node(test.from)].Ports[0]
		want := fmt.Sprintf(`class="walk" d="`+test.want+`"`, port.X, port.Y, p.Wires[port.Link].Label.X)
		if strings.Contains(test.want, "h-10") {
			want = fmt.Sprintf(`class="walk" d="`+test.want+`"`, port.X, port.Y)
		}
		if !strings.Contains(render.SVG(p), want) {
			t.Errorf("from %s: the picture lacks %s", test.from, want)
		}
	}
}

// What a picture says about its positions is what the layout says.
func TestPositionsAreReadBack(t *testing.T) {
	graphtest.Each(t, func(t *testing.T, spec *v1alpha1.NetLabSpec) {
		p := render.Layout(graphtest.Of(t, spec), layout.Positions{})
		for _, picture := range []string{render.SVG(p), render.HTML(p)} {
			if diff := cmp.Diff(p.Positions(), render.Positions([]byte(picture)), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the positions differ:\n%s", diff)
			}
		}
	})
	if p := render.Positions([]byte("no picture")); len(p.Cards) > 0 {
		t.Errorf("positions in a text: %v", p)
	}
}

// Text is readable in both themes: WCAG 2 asks for a contrast of 4.5.
func TestTextHasContrast(t *testing.T) {
	for theme, colours := range render.Themes() {
		for _, pair := range colours {
			if got := contrast(t, pair.Text, pair.Ground); got < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f", theme, pair.Text, pair.Ground, got)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func BenchmarkCampus(b *testing.B) {
	data, err := os.ReadFile("../../../config/samples/campus.yaml")
	if err != nil {
		b.Fatal(err)
	}
	var n v1alpha1.NetLab
	if err := yaml.Unmarshal(data, &n); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		render.Draw("svg", graphtest.Of(&testing.T{}, &n.Spec), layout.Positions{})
	}
}
