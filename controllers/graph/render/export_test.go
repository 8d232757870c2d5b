// SPDX-License-Identifier: Apache-2.0

package render

// Colours is a colour of text and what it stands on.
type Colours struct{ Text, Ground string }

// Themes are the colours of text in each theme.
func Themes() map[string][]Colours {
	return map[string][]Colours{"light": light.texts(), "dark": dark.texts()}
}

func (t theme) texts() (list []Colours) {
	for _, ground := range []string{t.canvas, t.card} {
		for _, text := range append([]string{t.text, t.faint, t.danger, t.warning, t.success}, t.networks[:]...) {
			list = append(list, Colours{text, ground})
		}
	}
	for _, head := range [][2]string{t.host, t.router, t.swtch} {
		list = append(list, Colours{head[1], head[0]})
	}
	return append(list, Colours{t.card, t.danger}, Colours{t.card, t.success})
}
