// SPDX-License-Identifier: Apache-2.0

package render

import (
	_ "embed"
	"fmt"
	"strings"
)

// theme is a set of colours.
type theme struct {
	canvas, card, border, text, faint, link string
	danger, warning, success                string
	host, router, swtch                     [2]string // of the head, and of the name on it
	networks                                [colours]string
}

// Text has a contrast of at least 4.5 to what it stands on, in both themes.
var light = theme{
	canvas: "#f6f8fa", card: "#ffffff", border: "#c3ccd6", text: "#17212b", faint: "#55616e", link: "#7a8794",
	danger: "#c4202b", warning: "#8a4b00", success: "#137333",
	host: [2]string{"#e9edf1", "#2f3b47"}, router: [2]string{"#dde6fd", "#1f3f9c"}, swtch: [2]string{"#d8f0ea", "#0b574a"},
	networks: [colours]string{"#1a63c7", "#a8480a", "#0b7a4b", "#8a2fb8", "#b3195f", "#0a7285", "#6b6a00", "#5a4ad1"},
}

var dark = theme{
	canvas: "#0f151c", card: "#18212b", border: "#3d4b59", text: "#e6edf3", faint: "#9fb0c0", link: "#8293a3",
	danger: "#ff7b7f", warning: "#f0b35b", success: "#56d37f",
	host: [2]string{"#26323e", "#d5dee6"}, router: [2]string{"#22335f", "#c3d3ff"}, swtch: [2]string{"#14433b", "#b5ecdf"},
	networks: [colours]string{"#6ba8ff", "#ff9d5c", "#4fd08f", "#d293f5", "#ff86b9", "#4fc8dc", "#cfcb4a", "#a79cff"},
}

// style is the style sheet of a picture.
func style() string {
	var b strings.Builder
	b.WriteString(base)
	b.WriteString(light.rules())
	fmt.Fprintf(&b, "@media (prefers-color-scheme: dark) {\n%s}\n", dark.rules())
	return b.String()
}

//go:embed base.css
var base string

func (t theme) rules() string {
	var b strings.Builder
	rule := func(selector, property, value string) { fmt.Fprintf(&b, "%s{%s:%s}\n", selector, property, value) }
	rule(".canvas,.core", "fill", t.canvas)
	rule(".core", "fill:none;stroke", t.canvas)
	rule(".card,.label", "fill", t.card)
	rule(".frame,.label", "stroke", t.border)
	rule("text,.plain,.strong", "fill", t.text)
	rule(".faint", "fill", t.faint)
	rule(".danger", "fill", t.danger)
	rule(".warning", "fill", t.warning)
	rule(".success", "fill", t.success)
	rule(".port", "stroke", t.card)
	rule(".s-", "stroke", t.link)
	rule(".f-", "fill", t.link)
	rule(".cut,.walk", "stroke", t.danger)
	rule(".fcut,.badge circle", "fill", t.danger)
	rule(".badge text", "fill", t.card)
	rule(".walk.passed", "stroke", t.success)
	rule(".badge.passed circle", "fill", t.success)
	rule(".node.bad .frame", "stroke", t.danger+";stroke-width:2.5")
	rule(".node.drifted .frame", "stroke", t.warning+";stroke-width:2.5;stroke-dasharray:6 3")
	for _, kind := range []struct {
		name   string
		colour [2]string
	}{{"host", t.host}, {"hosts", t.host}, {"router", t.router}, {"switch", t.swtch}} {
		rule(".k-"+kind.name+" .head", "fill", kind.colour[0])
		rule(".k-"+kind.name+" .strong", "fill", kind.colour[1])
		rule(".k-"+kind.name+" .icon", "stroke", kind.colour[1])
	}
	for i, colour := range t.networks {
		rule(fmt.Sprintf(".s%d", i), "stroke", colour)
		rule(fmt.Sprintf(".f%d,.t%d", i, i), "fill", colour)
	}
	return b.String()
}
