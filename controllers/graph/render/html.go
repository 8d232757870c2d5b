// SPDX-License-Identifier: Apache-2.0

package render

import (
	_ "embed"
	"html"
	"strings"

	"github.com/netlab-dev/netlab/controllers/graph/layout"
)

//go:embed page.html
var page string

// HTML is a page with a picture. It runs no script and loads nothing.
func HTML(p *layout.Picture) string {
	return strings.NewReplacer(
		"{title}", html.EscapeString("Lab "+p.Graph.Name), "{light}", light.canvas, "{dark}", dark.canvas, "{picture}", SVG(p),
	).Replace(page)
}
