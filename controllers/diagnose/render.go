// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"text/tabwriter"

	"github.com/netlab-dev/netlab/controllers/state"
)

// String renders the walk: a line per hop in each direction, then cause and fix.
func (w Walk) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s pings %s%s\n", w.From, w.To, prefixed(" from ", w.Source))
	w.render(&b, w.Forward, len(w.Back) == 0)
	if len(w.Back) > 0 {
		fmt.Fprintf(&b, "%s replies to %s\n", w.Back[0].Node, cmp.Or(w.ReplyTo, w.Source))
		w.render(&b, w.Back, true)
	}
	w.Cause.render(&b, "cause: ")
	for _, warning := range w.Warnings {
		warning.render(&b, "warning: ")
	}
	return b.String()
}

func (c Cause) render(b *strings.Builder, kind string) {
	if c.Found() {
		fmt.Fprintf(b, "%s%s: %s\n", kind, c.Reason, c.Message)
	}
	if c.Fix != "" {
		fmt.Fprintf(b, "fix:   %s\n", c.Fix)
	}
}

// render writes hops as aligned columns. The hop at which the walk ends is marked.
func (w Walk) render(b *strings.Builder, hops []Hop, last bool) {
	columns := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for i, hop := range hops {
		mark := ""
		if last && i == len(hops)-1 && w.Cause.Found() && !w.OnOtherLeg {
			mark = "  <- " + w.Cause.Reason
		}
		fmt.Fprintf(columns, "  %s\t%s\t%s%s\n", hop.Node, prefixed("in ", hop.Incoming), hop.does(), mark)
		for _, line := range hop.otherLegs() {
			fmt.Fprintf(columns, "  \t\t%s\n", line)
		}
	}
	_ = columns.Flush() // a strings.Builder returns no error
}

var verdicts = map[state.ForwardingVerdict]string{
	state.DeliverLocally: "delivers",
	state.NoRoute:        "has no route",
	state.NotForwarded:   "does not forward",
	state.Discarded:      "discards",
	state.Prohibited:     "prohibits",
	state.Filtered:       "filters the source",
}

// does is what happens to the packet at the hop.
func (h Hop) does() string {
	switch {
	case h.Outgoing != "":
		return "out " + h.Outgoing + prefixed(" via ", h.Via) + prefixed(" through ", strings.Join(h.Through, ", ")) + prefixed(" to ", h.Next) + h.learnt() + h.amongLegs() + prefixed(", ", h.NAT)
	case h.NAT != "":
		return h.NAT
	case h.Decision.Verdict != state.Forward:
		return verdicts[h.Decision.Verdict]
	}
	return "lookup failed"
}

// amongLegs says how many legs there are.
func (h Hop) amongLegs() string {
	switch {
	case len(h.Legs) == 0:
		return ""
	case h.LegUnknown:
		return fmt.Sprintf(", one of %d legs to %s, unknown which", len(h.Legs), h.Route)
	}
	return fmt.Sprintf(", one of %d legs to %s", len(h.Legs), h.Route)
}

// shownLegs is the maximum number of other legs to show.
const shownLegs = 3

// otherLegs has a line for each leg that the packet does not take, and what becomes of packets there.
func (h Hop) otherLegs() (lines []string) {
	for _, leg := range h.Legs {
		if leg.Taken {
			continue
		}
		outcome := leg.Reason
		if outcome == "" {
			outcome = "arrives"
		}
		lines = append(lines, fmt.Sprintf("or  %s%s%s: %s", leg.Outgoing, prefixed(" via ", leg.Via), prefixed(" to ", leg.Next), outcome))
	}
	if more := len(lines) - shownLegs; more > 1 {
		lines = append(lines[:shownLegs], fmt.Sprintf("or %d more legs", more))
	}
	return lines
}

// learnt tells a gateway that no route has.
func (h Hop) learnt() string {
	if !h.Decision.Redirected {
		return ""
	}
	return ", by a redirect that it has learnt"
}

// prefixed is empty for an empty string or the zero Addr.
func prefixed[T string | netip.Addr](prefix string, value T) string {
	var zero T
	if value == zero {
		return ""
	}
	return prefix + fmt.Sprint(value)
}

// way lists the nodes of a path.
func way(hops []Hop) string {
	nodes := make([]string, len(hops))
	for i, hop := range hops {
		nodes[i] = hop.Node
	}
	return strings.Join(nodes, " -> ")
}
