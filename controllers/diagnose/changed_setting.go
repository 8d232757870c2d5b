// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// changedSetting is the cause if nothing else explains a missing reply and a node on the path has a setting with another
// value than the lab or the kernel gives it. It may be harmless, so the message only names it.
func (w walker) changedSetting(ctx context.Context, request, reply trace) Cause {
	crossed := slices.Concat(request.crossed, reply.crossed)
	for _, namespace := range w.onTheWay(slices.Concat(request.hops, reply.hops)) {
		mine := func(o state.SetSysctl) bool {
			return o.Namespace == namespace && concerns(o.String(), state.LinkID{Namespace: namespace, Name: o.Link}, request.destination, crossed)
		}
		if op, ok := planned(w.view, mine); ok {
			now := w.setting(namespace, op.SettingKey)
			return suspect(request, namespace, fmt.Sprintf("where %s is %s instead of %s", now.key, now.value, op.Value), w.drifted(op))
		}
		found, err := w.kernel.ChangedSettings(ctx, namespace)
		suspects := slices.DeleteFunc(slices.Clone(found), func(i state.Unmanaged) bool {
			return !concerns(i.Setting.Name, state.LinkID{Namespace: namespace, Name: i.Setting.Link}, request.destination, crossed)
		})
		if err == nil && len(suspects) > 0 {
			return suspect(request, namespace, "where "+whatOf(suspects), undo(suspects[0]))
		}
	}
	return Cause{}
}

// concerns reports whether a setting is for packets of a ping: of their family, or of that in which their next hops are
// resolved, and of the namespace or a link on their path.
func concerns(name string, link state.LinkID, like netip.Addr, crossed []crossing) bool {
	family := "net.ipv4"
	if like.Is6() {
		family = "net.ipv6"
	}
	return slices.ContainsFunc(crossed, func(c crossing) bool {
		resolves := strings.Contains(name, "net.ipv6.neigh") && c.wanted.Is6()
		return (strings.Contains(name, family) || resolves) && (link.Name == "" || c.out == link || c.in == link)
	})
}
