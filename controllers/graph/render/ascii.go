// SPDX-License-Identifier: Apache-2.0

package render

import "github.com/netlab-dev/netlab/controllers/graph"

// ASCII draws in characters, for a terminal.
func ASCII(g *graph.Graph) string { return Mermaid(g) }
