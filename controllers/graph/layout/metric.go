// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"unicode/utf8"

	"github.com/netlab-dev/netlab/controllers/graph"
)

// All text is in a monospace font, so that its width is known without the font: no common one is wider than
// CharacterWidth. Sizes are in pixels.
const (
	// CharacterWidth is in per cent of an em; DejaVu Sans Mono, the widest, has 60.2.
	CharacterWidth = 62
	TextSize       = 12
	NameSize       = 14
	TitleSize      = 18
)

// textWidth is the width of a line in a font of a size.
func textWidth(line string, size int) int {
	return (utf8.RuneCountInString(line)*size*CharacterWidth + 99) / 100
}

func widest(lines []string, size int) (width int) {
	for _, line := range lines {
		width = max(width, textWidth(line, size))
	}
	return width
}

// Distances, in pixels.
const (
	margin  = 28
	cardGap = 28 // between cards in a column
	bendGap = 14 // around a link that passes a column
	// Stub is the straight part of a link in front of a card.
	Stub       = 10
	channel    = 64 // in which the links between two columns bend
	lineHeight = 15
	headHeight = 30
	iconWidth  = 34 // in front of a name
	// CardPadding is between the border of a card and its texts.
	CardPadding = 10
	portSpace   = 6 // between ports, in addition to their lines
	labelPad    = 5
	labelLead   = 14
)

// labelWidth is the room for a link's label in the gap beside a column.
func labelWidth(labels []graph.Label) (width int) {
	for _, label := range labels {
		width = max(width, textWidth(label.Text, TextSize)+2*labelPad)
	}
	return width
}
