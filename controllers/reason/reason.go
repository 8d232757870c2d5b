// SPDX-License-Identifier: Apache-2.0

package reason

import (
	"embed"
	"fmt"
	"strings"
)

// Reason is a reason that a condition can have.
type Reason struct {
	Name       string      `json:"name"`
	Meaning    string      `json:"meaning"`
	Conditions []Condition `json:"conditions"`
	// Fix is empty if there is nothing to fix.
	Fix string `json:"fix,omitempty"`
	// Lab is a manifest of a lab that has the reason; Before and After are commands that it takes in addition.
	Lab    string `json:"lab,omitempty"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Afterwards removes what Before has made.
	Afterwards string `json:"afterwards,omitempty"`
	// Needs is what not every kernel has.
	Needs string `json:"needs,omitempty"`
	// ShownBy is a test's file.
	ShownBy string `json:"-"`
}

// Condition is a condition that can have a reason, and with which status.
type Condition struct {
	Type   string `json:"type"`
	Status string `json:"status"`
}

func (c Condition) String() string { return c.Type + "=" + c.Status }

//go:embed examples/*.txtar
var examples embed.FS

// All are the reasons in the order of the API.
func All() []Reason {
	list := make([]Reason, len(generated))
	for i, r := range generated {
		list[i] = complete(r)
	}
	return list
}

// Find finds a reason by name, in any case.
func Find(name string) (Reason, bool) {
	for _, r := range generated {
		if strings.EqualFold(r.Name, name) {
			return complete(r), true
		}
	}
	return Reason{}, false
}

// complete adds the example. A reason without one is a fault of this package that its tests find.
func complete(r Reason) Reason {
	data, err := examples.ReadFile(fmt.Sprintf("examples/%s.txtar", r.Name))
	if err != nil {
		return r
	}
	parts := strings.Split(string(data), "\n-- ")
	r.Fix = strings.Join(strings.Fields(parts[0]), " ")
	for _, part := range parts[1:] {
		name, text, _ := strings.Cut(part, " --\n")
		switch name {
		case "lab.yaml":
			r.Lab = strings.TrimSpace(text) + "\n"
		case "before":
			r.Before = strings.TrimSpace(text)
		case "after":
			r.After = strings.TrimSpace(text)
		case "afterwards":
			r.Afterwards = strings.TrimSpace(text)
		case "needs":
			r.Needs = strings.TrimSpace(text)
		case "shown-by":
			r.ShownBy = strings.TrimSpace(text)
		}
	}
	return r
}
