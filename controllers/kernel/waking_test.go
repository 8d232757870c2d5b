// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"slices"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// A worker of the kernel joins the group of a new IPv6 address's solicitations and makes the route to it. Until it has
// run the address answers no one, and who asks it asks again a second later.
func TestIPv6AddressesOfANewLabAnswerAtOnce(t *testing.T) {
	want := everythingLab()
	k := newKernel(t, Options{})
	for round := range 3 {
		if _, err := k.Apply(t.Context(), state.Diff(state.State{}, want)); err != nil {
			t.Fatal(err)
		}
		for id := range want.Addresses() {
			if link, _ := want.Link(state.LinkID{Namespace: id.Namespace, Name: id.Link}); id.Prefix.Addr().Is6() && link.Up && id.Link != state.Loopback {
				mustBeLocal(t, k, id)
			}
		}
		if _, err := k.Apply(t.Context(), state.Diff(want, state.State{})); err != nil || t.Failed() {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

// Without its policy rule for the table local a node answers for none of its addresses, and an edit does not wait for it.
func TestAnEditWaitsForNoAddressThatPolicyRulesKeepFromAnswering(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), wakingTime/2)
	defer cancel()
	k, want := newKernel(t, Options{}), everythingLab()
	if _, err := k.Apply(ctx, state.Diff(state.State{}, want)); err != nil {
		t.Fatal(err)
	}
	sh(t, "ip -n "+router+" -6 rule delete pref 0 && ip -n "+router+" -6 rule add pref 100 lookup main") // the kernel reads its list of rules once one was added
	edited := playOn(want, addr(router, "l1", "fd00:1::fd/64"))
	if _, err := k.Edit(ctx, state.Diff(want, edited), nil); err != nil {
		t.Error(err)
	}
}

func mustBeLocal(t *testing.T, k *Kernel, id state.AddressID) {
	t.Helper()
	err := k.withSession(func(s *session) error {
		h, index, err := s.find(state.LinkID{Namespace: id.Namespace, Name: id.Link})
		if err != nil {
			return err
		}
		local, err := h.conn.isLocal6(index, id.Prefix.Addr())
		if !local {
			t.Errorf("%s of %s in %s does not answer yet", id.Prefix, id.Link, id.Namespace)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// mustWake waits until links and addresses carry packets that were set up and added by hand.
func mustWake(t *testing.T, k *Kernel, links []state.LinkID, addresses ...state.AddressID) {
	t.Helper()
	waitUntil(t, "links have a carrier and IPv6 addresses answer", func() (awake bool) {
		err := k.withSession(func(s *session) error {
			s.waking.links, s.waking.addresses = slices.Clone(links), slices.Clone(addresses)
			awake = s.awake()
			return nil
		})
		return err == nil && awake
	})
}
