// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel"
)

// Attributes of linux/if_link.h and linux/neighbour.h that package syscall does not name.
const (
	iflaCarrierChanges = 35
	ndaDestination     = 1
	sizeofNdMsg        = 12
)

// card is what an edit must not touch of an interface that it does not name.
type card struct {
	index, carrierChanges int
	// sentinels are the neighbours that plantSentinels wrote.
	sentinels []netip.Addr
}

// sentinels are permanent neighbours that nobody has: they go when the kernel forgets an interface's
// neighbours, and the others come and go at any time.
var sentinels = []netip.Addr{netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("2001:db8::77")}

// plantSentinels writes what is missing of them; IPv6's only where there is IPv6.
func (c cards) plantSentinels(t testing.TB, namespaceOf func(node string) string) {
	t.Helper()
	for name, card := range c {
		node, link, _ := strings.Cut(name, " ")
		if link == "lo" || slices.Contains(card.sentinels, sentinels[0]) {
			continue
		}
		sh(t, fmt.Sprintf("for a in %s %s; do ip -n %s neighbour replace $a lladdr 02:00:00:00:00:77 nud permanent dev %s 2>/dev/null || true; done",
			sentinels[0], sentinels[1], namespaceOf(node), link))
	}
}

// sh runs what somebody would type.
func sh(t testing.TB, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// cards are the interfaces of a lab's namespaces, by "node interface".
type cards map[string]card

func lookAt(t testing.TB, k *kernel.Kernel, namespaces []string) cards {
	t.Helper()
	all := cards{}
	for _, ns := range namespaces {
		err := k.Enter(ns, func() error {
			return all.read(ns[strings.LastIndexByte(ns, '.')+1:])
		})
		if err != nil {
			t.Fatalf("%s: %v", ns, err)
		}
	}
	return all
}

// read adds the interfaces of the thread's namespace.
func (c cards) read(node string) error {
	names := map[int]string{}
	err := dump(syscall.RTM_GETLINK, syscall.SizeofIfInfomsg, func(header []byte, attributes map[uint16][]byte) {
		name := node + " " + strings.TrimRight(string(attributes[syscall.IFLA_IFNAME]), "\x00")
		index := int(binary.NativeEndian.Uint32(header[4:]))
		names[index] = name
		changes := int(binary.NativeEndian.Uint32(attributes[iflaCarrierChanges]))
		c[name] = card{index: index, carrierChanges: changes}
	})
	if err != nil {
		return err
	}
	return dump(syscall.RTM_GETNEIGH, sizeofNdMsg, func(header []byte, attributes map[uint16][]byte) {
		name := names[int(binary.NativeEndian.Uint32(header[4:]))]
		address, ok := netip.AddrFromSlice(attributes[ndaDestination])
		if ok && slices.Contains(sentinels, address) {
			known := c[name]
			known.sentinels = append(known.sentinels, address)
			c[name] = known
		}
	})
}

func dump(kind, headerSize int, each func(header []byte, attributes map[uint16][]byte)) error {
	rib, err := syscall.NetlinkRIB(kind, syscall.AF_UNSPEC)
	if err != nil {
		return err
	}
	messages, err := syscall.ParseNetlinkMessage(rib)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.Header.Type == syscall.NLMSG_DONE {
			break
		}
		each(m.Data[:headerSize], attributesOf(m.Data[headerSize:]))
	}
	return nil
}

func attributesOf(data []byte) map[uint16][]byte {
	found := map[uint16][]byte{}
	for len(data) >= syscall.SizeofRtAttr {
		size := int(binary.NativeEndian.Uint16(data))
		if size < syscall.SizeofRtAttr || size > len(data) {
			break
		}
		found[binary.NativeEndian.Uint16(data[2:])&^(1<<15)] = data[syscall.SizeofRtAttr:size]
		data = data[min(len(data), (size+3)&^3):]
	}
	return found
}

// disturbed says what became of interfaces that are there before and after. What comes or goes is in the
// plan.
func (c cards) disturbed(after cards) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		now, stays := after[name]
		if !stays {
			continue
		}
		switch was := c[name]; {
		case now.index != was.index:
			all = append(all, name+": made anew")
		case now.carrierChanges != was.carrierChanges: // neighbours go with it, at once or a moment later
			all = append(all, name+": carrier")
		case len(now.sentinels) < len(was.sentinels):
			all = append(all, name+": neighbours")
		}
	}
	return all
}
