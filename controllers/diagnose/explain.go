// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Kernel looks up routes in a network namespace, and lists unmanaged objects there.
type Kernel interface {
	LookupRoute(ctx context.Context, q state.ForwardingQuery) (state.ForwardingDecision, error)
	// Unmanaged lists the unmanaged objects of a namespace that can affect packets there.
	Unmanaged(ctx context.Context, namespace string) ([]state.Unmanaged, error)
	// ChangedSettings lists the settings of a namespace that no lab can have and whose values are not those of a new
	// namespace.
	ChangedSettings(ctx context.Context, namespace string) ([]state.Unmanaged, error)
	// Policy lists the policy rules of a namespace, and the routes of all tables if one of them is not the kernel's own.
	Policy(ctx context.Context, namespace string) (state.Policy, error)
	// Neighbours lists the entries of a namespace's neighbour tables.
	Neighbours(ctx context.Context, namespace string) ([]state.NeighbourEntry, error)
	// MACTable lists what the bridges of a namespace have learnt.
	MACTable(ctx context.Context, namespace string) ([]state.MACEntry, error)
	// Translations lists what NAT in a namespace has made of the addresses of pings, the latest first.
	Translations(ctx context.Context, namespace string) ([]state.Translation, error)
}

// Question is a ping and its outcome.
type Question struct {
	// From is the network namespace of the sender: "default.routed-pair.ns1".
	From string
	// Source is the source address of the request; the zero Addr leaves the choice to the kernel.
	Source netip.Addr
	// To is the destination address. It determines the address family.
	To netip.Addr
	// Link is the sender's link for a link-local To.
	Link string
	// SizeBytes is the ICMP payload, sent with don't-fragment; 0 means a small packet.
	SizeBytes int
	// Expect is the outcome with which the probe passes; empty means Reachable.
	Expect v1alpha1.Expectation
	// Replied reports whether a reply of another node arrived.
	Replied bool
	// DeliveredLocally reports whether the request was delivered to its own sender.
	DeliveredLocally bool
	// NoRoom reports that the machine's neighbour table of the family is full. A node then resolves no new
	// neighbour, and the kernel returns no error for it.
	NoRoom bool
	// Timeout is how long the sender waits for the reply; 0 means a second.
	Timeout time.Duration
	// Measure returns how many of some requests got no reply; it may be nil. It is called if some packets are lost.
	Measure func() (lost, sent int)
	// Lab is the wanted state; nil if it is unknown. It never determines the cause, only the fix.
	Lab *lab.Lab
	// Left are the operations that would make the kernel hold Lab. The fix of a drifted lab is one of them.
	Left []state.Op
}

// Explain follows the request and, if it arrives, the reply. The Walk has no Cause if a reply arrived and was
// expected. The error is the context's.
func Explain(ctx context.Context, kernel Kernel, see state.Observation, q Question) (Walk, error) {
	w := walker{kernel: cached(kernel), view: look(see, q)}
	walk := w.explainAll(ctx, q)
	walk.Cause.Fix = findable(walk.Cause.Fix, q.Left)
	for i := range walk.Warnings {
		walk.Warnings[i].Fix = findable(walk.Warnings[i].Fix, q.Left)
	}
	return walk, ctx.Err()
}

func (w walker) explainAll(ctx context.Context, q Question) Walk {
	walk := w.explain(ctx, q)
	if q.Replied {
		walk = w.translated(ctx, q, walk)
		walk.Cause = replied(q, walk)
		return walk
	}
	if walk.Cause.Found() {
		if cause := w.detoured(ctx, q, walk); cause.Found() {
			walk.Cause, walk.OnOtherLeg = cause, false
		}
	}
	return w.translated(ctx, q, walk)
}

func (w walker) explain(ctx context.Context, q Question) Walk {
	w.crossings = map[departing]crossed{}
	if cause := w.noAddress(q); cause.Found() {
		return Walk{From: state.NodeOf(q.From), To: q.To, Forward: []Hop{}, Cause: cause}
	}
	request := w.explore(ctx, w.travel(ctx, packet{
		start: q.From, source: q.Source, destination: q.To, size: size(q), oneWhole: true, over: q.Link,
	})).matching(q.Replied)
	walk := Walk{From: state.NodeOf(q.From), Source: request.source, To: q.To, Forward: request.shown(), Cause: request.blame(request.trace)}
	var reply paths
	if !walk.Cause.Found() {
		reply, walk.Cause = w.answer(ctx, q, request)
		walk.Forward, walk.Back = request.shown(), reply.shown()
		walk.OnOtherLeg = walk.Cause.Found() && walk.Cause == otherLeg(request, reply)
	}
	walk.Cause = w.unowned(q.To, walk.Cause)
	if q.Replied { // by a leg without a fault
		walk.Cause, walk.OnOtherLeg = Cause{}, false
	}
	walk.Warnings = warnings(request, reply, walk.Cause)
	return walk
}

// cachedKernel looks each route up once per walk, and lists the objects of a namespace once: a listing of the
// unmanaged ones takes about ten requests.
type cachedKernel struct {
	Kernel
	decided    map[state.ForwardingQuery]state.ForwardingDecision
	found      map[string][]state.Unmanaged
	policies   map[string]state.Policy
	neighbours map[string][]state.NeighbourEntry
}

func cached(k Kernel) *cachedKernel {
	return &cachedKernel{
		k, map[state.ForwardingQuery]state.ForwardingDecision{}, map[string][]state.Unmanaged{},
		map[string]state.Policy{}, map[string][]state.NeighbourEntry{},
	}
}

// LookupRoute implements Kernel.
func (a *cachedKernel) LookupRoute(ctx context.Context, q state.ForwardingQuery) (state.ForwardingDecision, error) {
	if decision, ok := a.decided[q]; ok {
		return decision, nil
	}
	decision, err := a.Kernel.LookupRoute(ctx, q)
	if err == nil {
		a.decided[q] = decision
	}
	return decision, err
}

// Unmanaged implements Kernel.
func (a *cachedKernel) Unmanaged(ctx context.Context, namespace string) ([]state.Unmanaged, error) {
	return once(ctx, a.found, namespace, a.Kernel.Unmanaged)
}

// Policy implements Kernel.
func (a *cachedKernel) Policy(ctx context.Context, namespace string) (state.Policy, error) {
	return once(ctx, a.policies, namespace, a.Kernel.Policy)
}

// Neighbours implements Kernel.
func (a *cachedKernel) Neighbours(ctx context.Context, namespace string) ([]state.NeighbourEntry, error) {
	return once(ctx, a.neighbours, namespace, a.Kernel.Neighbours)
}

func once[T any](ctx context.Context, known map[string]T, namespace string, list func(context.Context, string) (T, error)) (T, error) {
	if found, ok := known[namespace]; ok {
		return found, nil
	}
	found, err := list(ctx, namespace)
	if err == nil {
		known[namespace] = found
	}
	return found, err
}

// size is the length of the IP packet of a ping, 0 if the size does not matter.
func size(q Question) int {
	switch {
	case q.SizeBytes == 0:
		return 0
	case q.To.Is4():
		return q.SizeBytes + ipv4Header + icmpHeader
	}
	return q.SizeBytes + ipv6Header + icmpHeader
}

const ipv4Header, ipv6Header, icmpHeader = 20, 40, 8

// answer follows the reply from the node that received the request.
func (w walker) answer(ctx context.Context, q Question, request paths) (reply paths, cause Cause) {
	if request.end == q.From {
		return paths{}, w.ownAddress(ctx, request.trace)
	}
	if q.DeliveredLocally {
		return paths{}, w.sentBack(ctx, request.trace)
	}
	if cause := w.strayed(ctx, request.trace); cause.Found() {
		return paths{}, cause
	}
	if cause := cmp.Or(noSource(request.trace), w.anycast(request.trace), w.staleMTU(ctx, request.trace), w.echoIgnored(ctx, request.trace)); cause.Found() {
		return paths{}, cause
	}
	reply = w.explore(ctx, w.travel(ctx, request.reply())).matching(q.Replied)
	switch {
	case reply.cause.Found():
		return reply, reply.blame(reply.trace)
	case reply.end != q.From:
		return reply, w.duplicateSource(ctx, request.trace, reply.trace)
	}
	if cause := w.wrongMAC(ctx, request.trace, reply.trace); cause.Found() || q.NoRoom {
		return reply, cmp.Or(cause, noReply(q, request.trace))
	}
	request.deepen(ctx, q, reply.trace)
	reply.deepen(ctx, q, request.trace)
	return reply, w.unexplained(ctx, q, request, reply)
}

// noAddress is the cause if the sender has no address of the family. Its kernel would send requests from the
// unspecified address.
func (w walker) noAddress(q Question) Cause {
	node, family := state.NodeOf(q.From), familyName(q.To)
	if q.Replied || q.Source.IsValid() || state.IsLinkLocal(q.To) || len(w.ends(q.From)) == 0 || w.hasFamily(q.From, q.To) {
		return Cause{}
	}
	why, fix, ok := w.cannotSend(q.From, q.To)
	if !ok {
		fix = fmt.Sprintf("in the spec, give a link of %s addresses, or a subnet with an %s prefix", node, family)
	}
	return Cause{
		Reason:  v1alpha1.ReasonNetworkUnreachable,
		Node:    node,
		Message: shorten(fmt.Sprintf("%s has no %s address%s", node, family, why)),
		Fix:     fix,
	}
}

// hasFamily reports whether a node has an address of the family of another address, link-local ones excluded.
func (v view) hasFamily(namespace string, like netip.Addr) bool {
	return slices.ContainsFunc(v.links[namespace], func(id state.LinkID) bool {
		_, ok := v.addressOf(id, like)
		return ok
	})
}

func familyName(address netip.Addr) v1alpha1.Family {
	if address.Is4() {
		return v1alpha1.IPv4
	}
	return v1alpha1.IPv6
}

// noSource is the cause if the route lookup returned no source address: the reply has no destination.
func noSource(request trace) Cause {
	if request.source.IsValid() {
		return Cause{}
	}
	node := state.NodeOf(request.start)
	return Cause{
		Reason:  v1alpha1.ReasonProbeError,
		Node:    node,
		Message: fmt.Sprintf("route lookup in %s: no source address for packets to %s", node, request.destination),
	}
}

// unowned adds to a cause that no node has the destination: a route to it would lead to nothing.
func (w walker) unowned(to netip.Addr, cause Cause) Cause {
	switch cause.Reason {
	case v1alpha1.ReasonNetworkUnreachable, v1alpha1.ReasonHostUnreachable, v1alpha1.ReasonRoutingLoop, v1alpha1.ReasonForwardingDisabled:
	default:
		return cause
	}
	missing := fmt.Sprintf("address %s is missing on interface", to)
	if w.holds(to) || strings.HasPrefix(cause.Message, missing) {
		return cause
	}
	if lost := w.lostAddress(to); lost.Found() {
		return lost
	}
	if arrived := fmt.Sprintf("has address %s", to); !strings.HasSuffix(cause.Message, arrived) {
		cause.Message = shorten(fmt.Sprintf("%s; no node of the lab %s", cause.Message, arrived))
		cause.Fix = fmt.Sprintf("in the spec, give a node the address %s, or probe another address", to)
	}
	return cause
}

// echoIgnored is the cause if the destination is configured to ignore echo requests.
func (w walker) echoIgnored(ctx context.Context, request trace) Cause {
	if request.destination.Is6() {
		return w.echoIgnored6(ctx, request)
	}
	ignore := w.setting(request.end, state.SettingKey{Setting: state.ICMPEchoIgnoreAll})
	if ignore.value.Number() == 0 {
		return Cause{}
	}
	node := state.NodeOf(request.end)
	return Cause{
		Reason:  v1alpha1.ReasonEchoIgnored,
		Node:    node,
		Message: fmt.Sprintf("%s ignores echo requests: %s is %s", node, ignore.key, ignore.value),
		Fix:     w.settingFix(request.end, fmt.Sprintf("remove %s from the sysctls of %s", ignore.key, node), ignore.key, state.Off),
	}
}

// echoIgnored6 is echoIgnored for IPv6, whose setting no lab has: it is an unmanaged one.
func (w walker) echoIgnored6(ctx context.Context, request trace) Cause {
	found, err := w.kernel.Unmanaged(ctx, request.end)
	i := slices.IndexFunc(found, func(i state.Unmanaged) bool { return i.Setting.Name == "net.ipv6.icmp.echo_ignore_all" })
	if err != nil || i < 0 {
		return Cause{}
	}
	node, setting := state.NodeOf(request.end), found[i].Setting
	return Cause{
		Reason:  v1alpha1.ReasonEchoIgnored,
		Node:    node,
		Message: fmt.Sprintf("%s ignores echo requests: %s is %s", node, setting.Name, setting.Value),
		Fix:     undo(found[i]),
	}
}

// duplicateSource is the cause if the reply arrives at another node that has the sender's address, or takes it for
// its own.
func (w walker) duplicateSource(ctx context.Context, request, reply trace) Cause {
	node := state.NodeOf(reply.end)
	if !w.has(reply.end, request.source) {
		why, fix := w.whyLocal(ctx, reply.end, request.source)
		return Cause{
			Reason:  v1alpha1.ReasonDuplicateAddress,
			Node:    node,
			Message: shorten(fmt.Sprintf("the reply to %s goes to %s: %s", request.source, node, why)),
			Fix:     fix,
		}
	}
	return Cause{
		Reason:  v1alpha1.ReasonDuplicateAddress,
		Node:    node,
		Message: fmt.Sprintf("the reply goes to %s, which also has address %s", node, request.source),
		Fix: w.withoutAddress(reply.end, request.source,
			fmt.Sprintf("in the spec, give %s and %s different addresses", state.NodeOf(request.start), node)),
	}
}

func noReply(q Question, request trace) Cause {
	from, to := state.NodeOf(request.start), state.NodeOf(request.end)
	cause := Cause{
		Reason:  v1alpha1.ReasonNoReply,
		Node:    to,
		Message: fmt.Sprintf("%s gets no reply from %s (%s), although every node forwards the request and the reply", from, to, request.destination),
		Fix: shorten(fmt.Sprintf("check for packet filters, and find where the packets stop: ip netns exec %s tcpdump -ni any %s",
			request.end, protocol(request.destination))),
	}
	if q.NoRoom {
		family := familyName(request.destination)
		cause.Message += fmt.Sprintf("; the machine's %s neighbour table is full (all labs share it)", family)
		cause.Fix = fmt.Sprintf("run fewer labs or probes on this machine, or raise the limit on the machine itself: sysctl -w net.%s.neigh.default.gc_thresh3=16384",
			strings.ToLower(string(family)))
	}
	return cause
}

func protocol(address netip.Addr) string {
	if address.Is4() {
		return "icmp"
	}
	return "icmp6"
}

// replied is the cause if a reply arrived: none, unless Unreachable was expected.
func replied(q Question, walk Walk) Cause {
	if q.Expect != v1alpha1.ExpectUnreachable {
		return Cause{}
	}
	return Cause{
		Reason:  v1alpha1.ReasonUnexpectedReply,
		Node:    walk.From,
		Message: shorten(fmt.Sprintf("%s gets a reply from %s, which is expected to be unreachable; the path is %s", walk.From, q.To, way(walk.Forward))),
		Fix:     "in the spec, set expect: Reachable, or remove a route or link on the path",
	}
}
