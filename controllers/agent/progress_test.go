// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func TestAnAgentIsReadyWhenEveryLabWasInspected(t *testing.T) {
	completed := 0
	p := newProgress(func() { completed++ })
	a, b := types.NamespacedName{Name: "a"}, types.NamespacedName{Name: "b"}
	inspect := func(lab types.NamespacedName) { p.begin(reconcile.Request{NamespacedName: lab})() }
	inspect(a) // before the expected labs are known
	if p.Ready(nil) == nil {
		t.Error("ready before the labs are known")
	}
	p.expect([]types.NamespacedName{a, b})
	if p.Ready(nil) == nil || completed != 0 {
		t.Error("ready before b was inspected")
	}
	inspect(b)
	inspect(b)
	p.giveUp()
	if err := p.Ready(nil); err != nil || completed != 1 {
		t.Errorf("completed %d times: %v", completed, err)
	}
}

func TestAnAgentWithoutLabsIsReady(t *testing.T) {
	p := newProgress(func() {})
	p.expect(nil)
	if err := p.Ready(nil); err != nil {
		t.Error(err)
	}
}

func TestAnAgentIsAliveWhileItsQueueMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProgress(func() {})
		for range 100 {
			time.Sleep(time.Minute)
			p.begin(heartbeat)()
			if err := p.Alive(nil); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(stuckAfter + time.Second)
		if p.Alive(nil) == nil {
			t.Error("alive although the queue stands still")
		}
	})
}

func TestAReconcileThatHangsIsNoticedAlthoughTheQueueMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProgress(func() {})
		end := p.begin(reconcile.Request{NamespacedName: types.NamespacedName{Name: "stuck"}})
		time.Sleep(stuckAfter + time.Second)
		p.begin(heartbeat)()
		if p.Alive(nil) == nil {
			t.Error("alive although a reconcile hangs")
		}
		end()
		if err := p.Alive(nil); err != nil {
			t.Error(err)
		}
	})
}
