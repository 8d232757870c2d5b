// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/netlab-dev/netlab/controllers/graph/layout"
)

// cardPosition, linkPosition and topPosition write positions as attributes, for Positions.
func cardPosition(name string, at layout.CardPosition) string {
	return fmt.Sprintf(`data-node="%s" data-at="%d %d %d %d" data-left="%s" data-right="%s"`,
		name, at.X, at.Y, at.Width, at.Height, strings.Join(at.Left, " "), strings.Join(at.Right, " "))
}

func linkPosition(names []string, at layout.LinkPosition) string {
	bends := strings.Trim(fmt.Sprint(at.Bends), "[]")
	return fmt.Sprintf(`data-link="%s" data-bends="%s" data-label="%d"`, strings.Join(names, " "), bends, at.Label)
}

func topPosition(top int) string { return fmt.Sprintf(`data-top="%d"`, top) }

var (
	cardPattern = regexp.MustCompile(`data-node="([^"]*)" data-at="([-0-9 ]*)" data-left="([^"]*)" data-right="([^"]*)"`)
	linkPattern = regexp.MustCompile(`data-link="([^" ]*)[^"]*" data-bends="([-0-9 ]*)" data-label="([0-9]*)"`)
	topPattern  = regexp.MustCompile(`data-top="([0-9]*)"`)
)

// Positions reads the positions from a picture that SVG or HTML has written; from anything else it reads none.
func Positions(picture []byte) layout.Positions {
	p := layout.Positions{Cards: map[string]layout.CardPosition{}, Links: map[string]layout.LinkPosition{}}
	if found := topPattern.FindSubmatch(picture); found != nil {
		p.Top, _ = strconv.Atoi(string(found[1]))
	}
	for _, found := range cardPattern.FindAllStringSubmatch(string(picture), -1) {
		if at := numbers(found[2]); len(at) == 4 {
			p.Cards[found[1]] = layout.CardPosition{
				Box: layout.Box{X: at[0], Y: at[1], Width: at[2], Height: at[3]}, Left: strings.Fields(found[3]), Right: strings.Fields(found[4]),
			}
		}
	}
	for _, found := range linkPattern.FindAllStringSubmatch(string(picture), -1) {
		label, _ := strconv.Atoi(found[3])
		p.Links[found[1]] = layout.LinkPosition{Bends: numbers(found[2]), Label: label}
	}
	return p
}

// numbers reads what is a number.
func numbers(text string) (list []int) {
	for _, word := range strings.Fields(text) {
		if number, err := strconv.Atoi(word); err == nil {
			list = append(list, number)
		}
	}
	return list
}
