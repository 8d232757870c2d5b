// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"fmt"

	"github.com/netlab-dev/netlab/controllers/graph"
)

// Positions are those of the cards of an earlier picture, by node, and the order of their ports.
type Positions map[string]Position

// Position is where a card was.
type Position struct {
	X, Y int
	// Left and Right are the ports from top to bottom, as LINK/END.
	Left, Right []string
}

// PortName names one end of a link in a Position.
func PortName(g *graph.Graph, link, end int) string {
	return fmt.Sprintf("%s/%d", g.Links[link].Names[0], end)
}
