// SPDX-License-Identifier: Apache-2.0

package layout

import "strings"

// wrap breaks a text into lines of at most a width. A longer word has a line of its own.
func wrap(text string, width, size int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case textWidth(line+" "+word, size) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
