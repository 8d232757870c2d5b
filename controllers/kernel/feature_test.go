// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A kind of link is tried without making one, and a kernel that lacks it is told by its answer.
func TestAKindOfLinkIsTriedWithoutMakingOne(t *testing.T) {
	k := newKernel(t, Options{})
	for kind, missing := range map[string]bool{"veth": false, "bridge": false, "no-such-kind": true} {
		err := k.onTrial(func(s *session) error {
			tried := tryKind(kind)(k, s)
			links, err := s.handles[trialNamespace].conn.links()
			if len(links) != 1 || err != nil {
				t.Errorf("%s: there are %v, %v; want lo alone", kind, links, err)
			}
			return tried
		})
		if got := errors.Is(err, ErrFeatureMissing) && errors.Is(err, unix.EOPNOTSUPP) && strings.Contains(err.Error(), kind); got != missing {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
