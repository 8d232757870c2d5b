// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// outcome is what following a fix came to.
type outcome int

const (
	applied outcome = iota
	// notApplied: the fix has no command, or its change of the spec has no meaning.
	notApplied
	// failed: the command failed, or the spec is invalid.
	failed
)

// maxSteps are enough for faults that take no rows along.
const maxSteps = 12

// follow follows the fixes of a ping until it is answered.
func (x *trial) follow(p lab.Probe, apply func(diagnose.Cause) (outcome, string)) {
	var log strings.Builder
	seen, full := map[string]bool{}, false
	for step := range max(maxSteps, x.rows()+1) {
		p = x.retarget(p)
		if x.answered(p) {
			x.healed(step)
			if step > x.rows() {
				x.over = append(x.over, fmt.Sprintf("%d steps\n%s%s", step, x.describe(), log.String()))
			}
			return
		}
		cause := x.diagnose(p)
		fmt.Fprintf(&log, "%s (%s) %s: %s\n  fix: %s\n", p.Name, p.Family, cause.Reason, cause.Message, cause.Fix)
		switch {
		case noRoom(cause): // it is the machine's, and other tests fill it
			full = true
			time.Sleep(time.Second)
			continue
		case unexplained(cause) && x.patient(p): // a link that came up detects duplicate addresses for a second
			continue
		case unexplained(cause):
			log.WriteString(x.walk(p))
			x.wrong("NoReply", p, log.String())
			return
		case !x.names(cause) && (step == 0 || x.specFaults() == 0): // a fix can work around an edit, and show a consequence
			x.wrong("names no fault", p, log.String())
			return
		case seen[cause.Message+cause.Fix]:
			x.wrong("the fix does not work", p, log.String())
			return
		}
		seen[cause.Message+cause.Fix] = true
		result, what := apply(cause)
		fmt.Fprintf(&log, "  $ %s\n", what)
		switch {
		case result == failed:
			x.wrong("the fix fails", p, log.String())
			return
		case result == notApplied:
			x.notApplied(p, log.String())
			return
		}
	}
	if full || noRoom(x.diagnose(p)) {
		x.skipped++
		return
	}
	x.wrong("too many steps", p, log.String())
}

// noRoom reports whether a cause is that the machine's neighbour table is full.
func noRoom(cause diagnose.Cause) bool {
	return strings.Contains(cause.Message, "neighbour table is full")
}

// retarget is a ping to the same node: an edit of the spec may have moved a derived address.
func (x *trial) retarget(p lab.Probe) lab.Probe {
	for id := range x.lab.Want.Addresses() {
		if id.Prefix.Addr() == p.To {
			return p
		}
	}
	for _, a := range x.lab.Addresses[p.Target] {
		if x.targets && a.Is4() == p.To.Is4() {
			p.To = a
		}
	}
	return p
}

// unexplained reports whether a cause only says that there is no reply.
func unexplained(cause diagnose.Cause) bool {
	return cause.Reason == v1alpha1.ReasonNoReply && strings.HasPrefix(cause.Fix, "check for packet filters")
}

// patient pings for a while.
func (x *trial) patient(p lab.Probe) bool {
	for range 8 {
		if x.answered(p) {
			return true
		}
		time.Sleep(250 * time.Millisecond)
	}
	return false
}

// rows is how many rows the faults have changed.
func (x *trial) rows() (n int) {
	for _, f := range x.faults {
		n += max(f.rows, 1)
	}
	return n
}

// byHand pastes the command of a fix into a shell.
func (x *trial) byHand(cause diagnose.Cause) (outcome, string) {
	command := commandIn(cause.Fix)
	if command == "" && strings.Contains(cause.Fix, "repair it with up -f") {
		x.build(x.spec)
		return applied, "up -f"
	}
	if command == "" {
		return x.undoNamed(cause)
	}
	if out, err := x.shell(command); err != nil {
		return failed, fmt.Sprintf("%s\n%s%v", command, out, err)
	}
	return applied, command
}

// undoNamed removes the fault that a cause names, where the fix only says what to look at.
func (x *trial) undoNamed(cause diagnose.Cause) (outcome, string) {
	if !strings.Contains(cause.Fix, "check") {
		return notApplied, "(no command)"
	}
	var undone []string
	for i, f := range x.faults {
		f.objects = f.own
		if f.undo != "" && f.namedBy(cause) {
			out, _ := x.shell(f.undo)
			undone = append(undone, f.undo+" "+out)
			x.faults[i].undo = ""
		}
	}
	if len(undone) > 0 {
		_ = x.k.ForgetMACs(x.ctx, x.namespaces()) // what switches learnt meanwhile may be wrong, and outlasts the fault
		return applied, strings.Join(undone, "; ")
	}
	return notApplied, "(no command)"
}

// commandIn is the command of a fix, empty if it only says what to look at.
func commandIn(fix string) string {
	if _, command, ok := strings.Cut(fix, "by hand: "); ok {
		return command
	}
	for _, program := range []string{"ip ", "bridge ", "tc "} {
		if strings.HasPrefix(fix, program) {
			return fix
		}
	}
	return ""
}

// names reports whether a cause names a fault.
func (x *trial) names(cause diagnose.Cause) bool {
	return slices.ContainsFunc(x.faults, func(f fault) bool { return f.anywhere || f.namedBy(cause) })
}

var word = regexp.MustCompile(`[\w.:/-]+`)

// namedBy reports whether a cause names a node and an object of the fault.
func (f fault) namedBy(cause diagnose.Cause) bool {
	words := word.FindAllString(cause.Message+" "+cause.Fix, -1)
	node := strings.Contains(cause.Message, "no node") || slices.ContainsFunc(f.nodes, func(n string) bool {
		return cause.Node == n || slices.ContainsFunc(words, func(w string) bool { return strings.Trim(w, ".:") == n || strings.HasSuffix(w, "."+n) })
	})
	return node && slices.ContainsFunc(f.objects, func(o string) bool {
		return strings.Contains(cause.Message+" "+cause.Fix, o) || slices.ContainsFunc(words, func(w string) bool { return within(w, o) })
	})
}

// within reports whether a word is an address or a prefix in a prefix.
func within(word, prefix string) bool {
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return false
	}
	word = strings.TrimRight(word, ".:,")
	if a, err := netip.ParseAddr(word); err == nil {
		return p.Contains(a)
	}
	q, err := netip.ParsePrefix(word)
	return err == nil && (p.Overlaps(q))
}
