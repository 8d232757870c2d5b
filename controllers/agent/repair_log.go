// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

// Limits of what is written about repairs. While another program undoes them for ever, the log has each one, and
// the API server few.
const (
	maxOpsInEvent = 3
	maxOpsInLog   = 16
	// distinctEvents are the Events with a text of their own that an agent may write at once, and after that one in
	// eventPause.
	distinctEvents = 32
	eventPause     = 10 * time.Second
)

// repairLog writes about corrections of changes that were made outside NetLab.
type repairLog struct {
	recorder events.EventRecorder
	node     string
	limit    *rate.Limiter
}

func newRepairLog(recorder events.EventRecorder, node string) *repairLog {
	return &repairLog{recorder: recorder, node: node, limit: rate.NewLimiter(rate.Every(eventPause), distinctEvents)}
}

// write logs a repair and writes a Kubernetes Event about it.
func (r *repairLog) write(ctx context.Context, lab *v1alpha1.NetLab, ops []state.Op) {
	logf.FromContext(ctx).Info("Repaired a lab that was changed outside NetLab",
		"lab", lab.Namespace+"/"+lab.Name, "operations", len(ops), "commands", commands(ops, maxOpsInLog))
	note := status.Note(r.node + ": " + commands(ops, maxOpsInEvent))
	r.recorder.Eventf(lab, r.place(ops), corev1.EventTypeNormal, "Repaired", "Repair", "%s", note)
}

// place is the Node with the first command as the part of it that was repaired. A recorder counts an Event like an
// earlier one, without its text, if both have the same objects, reason and action: different repairs have different
// places. Without a place, those of a storm are counted on one Event.
func (r *repairLog) place(ops []state.Op) *corev1.ObjectReference {
	place := &corev1.ObjectReference{APIVersion: "v1", Kind: "Node", Name: r.node}
	if r.limit.Allow() {
		place.FieldPath = status.Note(commands(ops, maxOpsInEvent))
	}
	return place
}

// commands are the operations as commands of iproute2.
func commands(ops []state.Op, limit int) string {
	var listed []string
	for _, op := range ops[:min(len(ops), limit)] {
		listed = append(listed, op.String())
	}
	if more := len(ops) - len(listed); more > 0 {
		listed = append(listed, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(listed, "; ")
}
