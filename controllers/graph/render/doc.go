// SPDX-License-Identifier: Apache-2.0

// Package render writes the picture of a lab in the formats of the command line. It is pure: equal pictures are equal bytes.
//
// An SVG needs nothing outside itself and runs no script. Light or dark is the reader's choice, by a media query; title and
// desc are for screen readers. Its data attributes have the positions, for the next picture of the lab (Positions).
package render
