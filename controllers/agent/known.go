// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// maxKnownRows bounds what is kept of all labs: 60,000 rows take 20 MiB. Beyond it the largest labs are not kept, and
// each inspection compiles and looks at all of them.
const maxKnownRows = 60_000

// known is what the agent keeps of each lab, so that an inspection costs as much as what has changed: the compiled
// spec, what was last observed, and the namespaces in which something has happened since. An event is a hint, and most
// settings change without one: so each lab is looked at as a whole once in a period, after an error, and whenever it is
// not known what happened.
type known struct {
	// period is the time after which a lab is looked at as a whole, unless it is large.
	period  time.Duration
	maxRows int

	mu      sync.Mutex
	labs    map[types.NamespacedName]*knownLab
	touched map[types.NamespacedName]touched
}

// knownLab is a lab as of its last inspection.
type knownLab struct {
	id state.Identity
	// compiled and problems are of a generation of the spec.
	compiled   *lab.Lab
	problems   lab.Problems
	generation int64
	// seen is the outcome for a generation.
	seen           converge.Outcome
	seenGeneration int64
	// whole is when all of the lab was looked at; zero if nothing is known.
	whole time.Time
	// rows are those of the compiled lab. They are read and written with the lock held.
	rows int
}

// touched are the namespaces in which something may have changed since the last look.
type touched struct {
	namespaces map[string]bool
	// all says that it may be any.
	all bool
}

func newKnown(period time.Duration) *known {
	return &known{period: period, maxRows: maxKnownRows, labs: map[types.NamespacedName]*knownLab{}, touched: map[types.NamespacedName]touched{}}
}

// lab is what is known of a lab. Only its inspection, of which there is one at a time, reads and writes it.
func (k *known) lab(id state.Identity) *knownLab {
	k.mu.Lock()
	defer k.mu.Unlock()
	name := nameOf(id)
	if l := k.labs[name]; l != nil && l.id == id {
		return l
	}
	l := &knownLab{id: id}
	k.labs[name] = l
	return l
}

func nameOf(id state.Identity) types.NamespacedName {
	return types.NamespacedName{Namespace: id.Namespace, Name: id.Name}
}

// touch notes that something may have changed in namespaces of a lab.
func (k *known) touch(lab types.NamespacedName, namespaces ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.touched[lab]
	if t.namespaces == nil {
		t.namespaces = map[string]bool{}
	}
	for _, namespace := range namespaces {
		t.namespaces[namespace] = true
	}
	k.touched[lab] = t
}

// touchAll notes that something may have changed anywhere in labs.
func (k *known) touchAll(labs ...types.NamespacedName) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, lab := range labs {
		k.touched[lab] = touched{all: true}
	}
}

// last returns the outcome to go on from, and the namespaces in which something may have changed since then. It is the
// zero one if the whole lab is to be looked at: also if an inspection has no reason that is known. What happens from
// now on is for the next inspection.
func (k *known) last(l *knownLab, generation int64, now time.Time) (converge.Outcome, []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t, reason := k.touched[nameOf(l.id)]
	delete(k.touched, nameOf(l.id))
	seen, whole, edited := l.seen, l.whole, generation != l.seenGeneration
	l.forget() // until this look has succeeded
	if t.all || !reason && !edited || now.Sub(whole) >= k.periodOf(l.rows) {
		return converge.Outcome{}, nil
	}
	l.whole = whole
	return seen, slices.Collect(maps.Keys(t.namespaces))
}

// compile compiles a generation of the lab once.
func (l *knownLab) compile(generation int64, compile func() (*lab.Lab, lab.Problems)) (*lab.Lab, lab.Problems) {
	if l.generation != generation || l.compiled == nil && l.problems == nil {
		l.compiled, l.problems = compile()
		l.generation = generation
	}
	return l.compiled, l.problems
}

// saw notes the outcome of a look that began at a time, unless it failed.
func (l *knownLab) saw(out converge.Outcome, err error, generation int64, began time.Time) {
	if err != nil {
		l.forget()
		return
	}
	l.seen, l.seenGeneration = out, generation
	if out.Whole {
		l.whole = began
	}
}

// forget makes the next look one at the whole lab.
func (l *knownLab) forget() { l.seen, l.whole = converge.Outcome{}, time.Time{} }

// left is the time until a lab of so many rows is to be looked at as a whole.
func (k *known) left(id state.Identity, rows int, now time.Time) time.Duration {
	l := k.lab(id)
	if l.whole.IsZero() {
		return k.periodOf(rows)
	}
	return max(time.Millisecond, k.periodOf(rows)-now.Sub(l.whole))
}

// rowsPerPeriod is the number of rows for which a lab is looked at as a whole one period later. A look at 120,000 rows
// takes half a second of a CPU, and of some tables the kernel tells every change.
const rowsPerPeriod = 5000

// periodOf is the period of a lab of so many rows.
func (k *known) periodOf(rows int) time.Duration {
	return k.period * time.Duration(1+rows/rowsPerPeriod)
}

// keep makes room for what is known of a lab now.
func (k *known) keep(l *knownLab, rows int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l.rows = rows
	for k.rows() > k.maxRows {
		delete(k.labs, k.largest())
	}
}

// largest is called with the lock held.
func (k *known) largest() (name types.NamespacedName) {
	most := 0
	for of, l := range k.labs {
		if l.rows > most {
			name, most = of, l.rows
		}
	}
	return name
}

// rows is called with the lock held.
func (k *known) rows() (sum int) {
	for _, l := range k.labs {
		sum += l.rows
	}
	return sum
}

// drop forgets a lab.
func (k *known) drop(lab types.NamespacedName) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.labs, lab)
	delete(k.touched, lab)
}
