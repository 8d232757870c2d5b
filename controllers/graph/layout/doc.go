// SPDX-License-Identifier: Apache-2.0

// Package layout gives the picture of a lab coordinates. It is pure, and calculates in integers, so that a picture is the
// same on every machine.
//
// A node is a card with a line for each interface, and links leave it at its left and right. So labels have places of their
// own, and cannot cover each other; what remains to be found is few crossings. The steps are those of Sugiyama's method:
//
//	classes       which nodes look alike (colour refinement)
//	assign        columns, by distance from some roots; to one side of them or to both
//	choose        the roots: every node, and every small set of nodes that look alike, is tried; of more than 80 nodes a
//	              few. What is too wide for its text is folded
//	arrange       the order in each column: mean places of the neighbours, then swaps
//	place         heights: as straight as possible (pool adjacent violators), then small steps removed
//	draw          coordinates of columns, cards, texts, curves
//
// Linked nodes are in different columns, or next to each other in one. A link that passes a column has a bend there, with room
// of its own. Between two columns links are curves of the same form, so that two of them cross only if their ends are in a
// different order.
//
// # Room
//
// beside a card, from left to right: the labels of its links, links within the column, and the channel in which all others
// bend. In front of the channel links are horizontal, each at the height of its own line in a card. So a label covers no
// other link.
//
// # Stability
//
// With the Positions of an earlier picture (keep), cards stay in their places, and ports, bends and labels as well. A new node
// goes to the column beside a neighbour, to the nearest free place. A card that has grown and does not fit any more moves
// alone. Only where a text does not fit between two columns, those to the right of it move to the right.
package layout
