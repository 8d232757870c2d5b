// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
)

// position writes where a card is as attributes, for Positions.
func position(g *graph.Graph, node int, c *layout.Card) string {
	var sides [2][]string
	for _, p := range c.Ports {
		side := 0
		if p.Right {
			side = 1
		}
		sides[side] = append(sides[side], layout.PortName(g, p.Link, p.End))
	}
	return fmt.Sprintf(`data-node="%s" data-at="%d,%d" data-left="%s" data-right="%s"`,
		g.Nodes[node].Name, c.X, c.Y, strings.Join(sides[0], " "), strings.Join(sides[1], " "))
}

var positionPattern = regexp.MustCompile(`data-node="([^"]*)" data-at="(-?[0-9]+),(-?[0-9]+)" data-left="([^"]*)" data-right="([^"]*)"`)

// Positions reads the positions from a picture that SVG or HTML has written; from anything else it reads none.
func Positions(picture []byte) layout.Positions {
	positions := layout.Positions{}
	for _, found := range positionPattern.FindAllStringSubmatch(string(picture), -1) {
		x, errX := strconv.Atoi(found[2])
		y, errY := strconv.Atoi(found[3])
		if errX == nil && errY == nil {
			positions[found[1]] = layout.Position{X: x, Y: y, Left: strings.Fields(found[4]), Right: strings.Fields(found[5])}
		}
	}
	return positions
}
