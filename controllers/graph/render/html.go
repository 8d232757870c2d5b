// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"html"

	"github.com/netlab-dev/netlab/controllers/graph/layout"
)

// HTML is a page with a picture. It runs no script and loads nothing.
func HTML(p *layout.Picture) string {
	return fmt.Sprintf(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>%s</title>
<style>
body{margin:0;background:%s}
@media (prefers-color-scheme: dark){body{background:%s}}
svg{display:block;margin:0 auto;max-width:100%%;height:auto}
</style>
</head>
<body>
<main>
%s</main>
</body>
</html>
`, html.EscapeString("Lab "+p.Graph.Name), light.canvas, dark.canvas, SVG(p))
}
