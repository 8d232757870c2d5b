// SPDX-License-Identifier: Apache-2.0

package layout

import "github.com/netlab-dev/netlab/controllers/graph"

// Picture is a graph with coordinates.
type Picture struct {
	Graph         *graph.Graph
	Width, Height int
	// Top is where the drawing begins, below the title.
	Top int
	// Cards are by node, Wires by link.
	Cards []Card
	Wires []Wire
	// Title, Legend and Failures are the texts around the drawing.
	Title    []Text
	Legend   []Text
	Swatches []Swatch
	Failures []Text
	// FailureBadges number the failures.
	FailureBadges []Badge
	// Crossings counts the pairs of wires that cross.
	Crossings int
}

// Box is a rectangle.
type Box struct{ X, Y, Width, Height int }

// Overlaps reports whether two boxes have an area in common.
func (b Box) Overlaps(o Box) bool {
	return b.X < o.X+o.Width && o.X < b.X+b.Width && b.Y < o.Y+o.Height && o.Y < b.Y+b.Height
}

// Contains reports whether a point is inside the box, not on its border.
func (b Box) Contains(p Point) bool {
	return b.X < p.X && p.X < b.X+b.Width && b.Y < p.Y && p.Y < b.Y+b.Height
}

// Point is a place.
type Point struct{ X, Y int }

// Text is one line. Its box has the width of the widest common font.
type Text struct {
	Box
	String string
	Size   int
	Style  Style
	// End says that the line ends at the right of its box, Middle that it is centred.
	End, Middle bool
	// Network colours the line; graph.NoNetwork for none.
	Network int
}

// Style is the meaning of a text.
type Style uint8

// The styles of text.
const (
	Plain Style = iota
	Strong
	Faint
	Warning
	Danger
	Success
)

var styleNames = [...]string{"plain", "strong", "faint", "warning", "danger", "success"}

// String is the style's name for style sheets.
func (s Style) String() string { return styleNames[s] }

// Card is a node.
type Card struct {
	Box
	// Head is the height of the part with the name.
	Head int
	// Texts are the name, notes, members and the lines of ports.
	Texts []Text
	// Badges are the numbers of the failures that end here.
	Badges []Badge
	// Ports are where wires end.
	Ports []Port
}

// Port is the end of a wire at a card.
type Port struct {
	Point
	Link, End int
	// Right says at which side of the card the port is.
	Right bool
}

// Badge is a round mark with a number.
type Badge struct {
	Point
	Number int
	Passed bool
}

// Radius is a badge's.
const Radius = 9

// Wire is a link.
type Wire struct {
	// Curves are the parts between columns, each from left to right, or within a column.
	Curves []Curve
	Label  Label
	// LabelDistance is how far the label is from the card at its left.
	LabelDistance int
}

// Curve is a horizontal line from Start to From, an S from From to To, and a horizontal line to Stop. Within a column
// Loop is how far the curve bulges to the right of From and To.
type Curve struct {
	Start, From, To, Stop Point
	Loop                  int
}

// Label is what differs from a plain cable.
type Label struct {
	Box
	Texts []Text
}

// Swatch shows the colour of a network.
type Swatch struct {
	Box
	Network int
}
