// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
)

// places counts Events by what a recorder tells them apart by.
type places map[string]int

func (p places) Eventf(_, related runtime.Object, _, _, _, _ string, _ ...any) {
	p[related.(*corev1.ObjectReference).FieldPath]++
}

// Each repair is in the log, with its commands. Different repairs have Events of their own, equal ones share one, and so
// do those of a storm.
func TestEachRepairIsLogged(t *testing.T) {
	var log bytes.Buffer
	ctx := logf.IntoContext(t.Context(), logr.FromSlogHandler(slog.NewJSONHandler(&log, nil)))
	seen := places{}
	r := newRepairLog(seen, "node-1")
	lab := labtest.StoredPair()
	repair := func(n int) {
		r.write(ctx, lab, []state.Op{state.CreateNamespace{Name: fmt.Sprint("default.routed-pair.ns", n)}})
	}
	repair(1)
	repair(2)
	repair(2)
	if len(seen) != 2 {
		t.Errorf("the Events are %v, want two places", seen)
	}
	for n := range 1000 {
		repair(n)
	}
	if len(seen) > distinctEvents+1 || seen[""] < 900 {
		t.Errorf("%d different Events, and %d of the storm", len(seen), seen[""])
	}
	decoder, lines := json.NewDecoder(&log), 0
	for ; ; lines++ {
		var line struct {
			Lab, Commands string
			Operations    int
		}
		if decoder.Decode(&line) != nil {
			break
		}
		if line.Lab != "default/routed-pair" || line.Commands == "" || line.Operations != 1 {
			t.Fatalf("line %d: %+v", lines, line)
		}
	}
	if lines != 1003 {
		t.Errorf("%d lines for 1003 repairs", lines)
	}
}
