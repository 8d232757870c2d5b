// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// String has a line for the packet, one for each interface that it passed, and one for its ending.
func (j Journey) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, j.Packet)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i, s := range j.Steps {
		after, change := "", ""
		if i > 0 {
			before := j.Steps[i-1]
			after = "+" + s.Time.Sub(before.Time).Round(time.Microsecond).String()
			if before.Source != s.Source || before.Destination != s.Destination {
				change = "  translated"
			}
		}
		direction := "in"
		if s.Outgoing {
			direction = "out"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\tTTL %d\t%s > %s%s\n", s.Node, s.Interface, direction, after, s.TTL, s.Source, s.Destination, change)
	}
	_ = table.Flush()
	fmt.Fprintf(&b, "  %s\n", j.Ending)
	return b.String()
}
