// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Attributes of linux/pkt_sched.h that the library does not name.
const (
	netemRate64    = 8  // TCA_NETEM_RATE64
	netemLatency64 = 10 // TCA_NETEM_LATENCY64
	netemJitter64  = 11 // TCA_NETEM_JITTER64
	netemSlot      = 12 // TCA_NETEM_SLOT
	tbfRate64      = 4  // TCA_TBF_RATE64
)

// rootParent is where an interface's own queueing discipline hangs (TC_H_ROOT), ingressParent where the
// filters of what comes in do (TC_H_INGRESS, TC_H_CLSACT).
const (
	rootParent    = math.MaxUint32
	ingressParent = 0xfffffff1
)

// defaultQdiscs are those that the kernel itself gives the links of a lab: none at all, and noop until a
// link is first set up.
var defaultQdiscs = []string{"", "noqueue", "noop"}

// netemOptions is struct tc_netem_qopt. Delays have attributes of their own, in nanoseconds.
type netemOptions struct {
	Latency, Limit, Loss, Gap, Duplicate, Jitter uint32
}

// netemCorrelations is struct tc_netem_corr, all of it zero.
type netemCorrelations struct{ Delay, Loss, Duplicate uint32 }

// netemSlots is struct tc_netem_slot, all of it zero.
type netemSlots struct {
	MinDelay, MaxDelay    int64
	MaxPackets, MaxBytes  int32
	DistDelay, DistJitter int64
}

// netemProbability is struct tc_netem_reorder and tc_netem_corrupt.
type netemProbability struct{ Probability, Correlation uint32 }

// netemRateOptions is struct tc_netem_rate.
type netemRateOptions struct {
	Rate           uint32
	PacketOverhead int32
	CellSize       uint32
	CellOverhead   int32
}

// rateSpec is struct tc_ratespec.
type rateSpec struct {
	CellLog, LinkLayer uint8
	Overhead           uint16
	CellAlign          int16
	MPU                uint16
	Rate               uint32
}

// tbfOptions is struct tc_tbf_qopt.
type tbfOptions struct {
	Rate, PeakRate     rateSpec
	Limit, Buffer, MTU uint32
}

// encode returns structs in the kernel's layout.
func encode(parts ...any) []byte {
	var b bytes.Buffer
	for _, part := range parts {
		_ = binary.Write(&b, binary.NativeEndian, part)
	}
	return b.Bytes()
}

// replaceQdisc changes a root queueing discipline of the same kind in place, so that packets under
// way stay so, and grafts one of another kind.
func (s *session) replaceQdisc(op state.ReplaceQdisc) error {
	kind, options := "netem", netemAttributes(op.Qdisc)
	if op.Qdisc.Kind == state.TBF {
		kind, options = "tbf", tbfAttributes(op.Qdisc)
	}
	err := s.changeQdisc(op.LinkID, unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE,
		nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated(kind)), options)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
		return featureMissing(kind, err)
	}
	return err
}

// deleteQdisc gives back the kernel's own. Without any other the kernel says ENOENT, or EINVAL.
func (s *session) deleteQdisc(op state.DeleteQdisc) error {
	err := s.changeQdisc(op.LinkID, unix.RTM_DELQDISC, 0)
	if errors.Is(err, unix.EINVAL) {
		return nil
	}
	return ignoreGone(err)
}

// deleteChildQdisc deletes what hangs below a root. tbf's own queue cannot be deleted.
func (s *session) deleteChildQdisc(op state.DeleteChildQdisc) error {
	return ignoreGone(s.changeQdiscAt(op.LinkID, uint32(op.Parent), unix.RTM_DELQDISC, 0))
}

func (s *session) changeQdisc(id state.LinkID, kind, flags int, attributes ...nl.NetlinkRequestData) error {
	return s.changeQdiscAt(id, rootParent, kind, flags, attributes...)
}

func (s *session) changeQdiscAt(id state.LinkID, parent uint32, kind, flags int, attributes ...nl.NetlinkRequestData) error {
	h, index, err := s.find(id)
	if err != nil {
		return err
	}
	header := &nl.TcMsg{Family: unix.AF_UNSPEC, Ifindex: int32(index), Parent: parent}
	return h.conn.Send(kind, flags, append([]nl.NetlinkRequestData{header}, attributes...)...)
}

// netemAttributes names everything, also what no lab asks for: what a change in place leaves out
// stays as it was. Only a model of losses goes by not being named.
func netemAttributes(q state.Qdisc) *nl.RtAttr {
	options := netemOptions{Limit: q.Limit, Loss: uint32(q.Loss), Duplicate: uint32(q.Duplicate)}
	if q.Reorder != 0 {
		options.Gap = 1 // without a gap nothing is reordered
	}
	attribute := nl.NewRtAttr(nl.TCA_OPTIONS, encode(options))
	attribute.AddRtAttr(nl.TCA_NETEM_CORR, encode(netemCorrelations{}))
	attribute.AddRtAttr(nl.TCA_NETEM_ECN, encode(uint32(0)))
	attribute.AddRtAttr(netemSlot, encode(netemSlots{}))
	attribute.AddRtAttr(nl.TCA_NETEM_REORDER, encode(netemProbability{Probability: uint32(q.Reorder)}))
	attribute.AddRtAttr(nl.TCA_NETEM_CORRUPT, encode(netemProbability{Probability: uint32(q.Corrupt)}))
	attribute.AddRtAttr(nl.TCA_NETEM_RATE, encode(netemRateOptions{Rate: uint32(min(q.Rate, math.MaxUint32))}))
	if q.Rate > math.MaxUint32 {
		attribute.AddRtAttr(netemRate64, encode(q.Rate))
	}
	attribute.AddRtAttr(netemLatency64, encode(q.Delay.Nanoseconds()))
	attribute.AddRtAttr(netemJitter64, encode(q.Jitter.Nanoseconds()))
	return attribute
}

func tbfAttributes(q state.Qdisc) *nl.RtAttr {
	options := tbfOptions{Rate: rateSpec{Rate: uint32(min(q.Rate, math.MaxUint32)), LinkLayer: 1}, Limit: q.Limit, Buffer: q.Burst}
	attribute := nl.NewRtAttr(nl.TCA_OPTIONS, nil)
	attribute.AddRtAttr(nl.TCA_TBF_PARMS, encode(options))
	if q.Rate > math.MaxUint32 {
		attribute.AddRtAttr(tbfRate64, encode(q.Rate))
	}
	return attribute
}

// rawQdisc is a queueing discipline as a namespace's kernel describes it.
type rawQdisc struct {
	index          int
	handle, parent uint32
	kind           string
	row            state.Qdisc
}

// rootQdiscs lists the root queueing disciplines of a namespace's links by index, with what hangs below
// them.
func (c *conn) rootQdiscs() (map[int]state.Qdisc, error) {
	roots, children := map[int]state.Qdisc{}, []rawQdisc(nil)
	err := c.Get(unix.RTM_GETQDISC, unix.NLM_F_DUMP, func(msg []byte) error {
		q, err := parseQdisc(msg)
		switch {
		case q.parent == rootParent && !slices.Contains(defaultQdiscs, q.kind):
			roots[q.index] = q.row
		case q.parent != rootParent && q.parent != ingressParent:
			children = append(children, q)
		}
		return err
	}, &nl.TcMsg{Family: unix.AF_UNSPEC}, nl.NewRtAttr(unix.TCA_DUMP_INVISIBLE, nil))
	for index, root := range roots {
		roots[index] = withChildren(root, index, children)
	}
	return roots, err
}

// withChildren adds the qdiscs below a root to it. The kernel hides tbf's own queue, which has no handle, unless
// a dump asks for it (TCA_DUMP_INVISIBLE); without that queue or another one nothing gets through, as with a limit of 0.
func withChildren(root state.Qdisc, index int, children []rawQdisc) state.Qdisc {
	room := uint32(0)
	for _, child := range children {
		switch {
		case child.index != index:
		case child.handle == 0:
			room = child.row.Limit
		default:
			root.Child, room = state.Handle(child.parent), root.Limit
		}
	}
	switch root.Kind {
	case state.TBF:
		root.Limit = min(root.Limit, room)
	case state.OtherQdisc:
		root.Child = 0 // it goes whole
	case state.Netem:
	}
	return root
}

func parseQdisc(msg []byte) (q rawQdisc, err error) {
	if len(msg) < nl.SizeofTcMsg {
		return q, errors.New("truncated qdisc message")
	}
	header := nl.DeserializeTcMsg(msg)
	q = rawQdisc{index: int(header.Ifindex), handle: header.Handle, parent: header.Parent}
	var options []byte
	err = rtnl.Attributes(msg[nl.SizeofTcMsg:], func(attribute uint16, value []byte) error {
		switch attribute {
		case nl.TCA_KIND:
			q.kind = rtnl.Text(value)
		case nl.TCA_OPTIONS:
			options = value
		}
		return nil
	})
	if err != nil {
		return q, err
	}
	switch q.kind {
	case "netem":
		q.row, err = parseNetem(options)
	case "tbf":
		q.row, err = parseTBF(options)
	case "bfifo":
		q.row = state.Qdisc{Kind: state.OtherQdisc, Limit: rtnl.Uint32(options)} // struct tc_fifo_qopt
	default:
		q.row = state.Qdisc{Kind: state.OtherQdisc}
	}
	return q, err
}

// parseNetem makes OtherQdisc of one that does more than a lab can ask for.
func parseNetem(b []byte) (state.Qdisc, error) {
	var options netemOptions
	n, err := binary.Decode(b, binary.NativeEndian, &options)
	if err != nil {
		return state.Qdisc{}, errors.New("truncated netem options")
	}
	q := state.Qdisc{Kind: state.Netem, Limit: options.Limit, Loss: state.Probability(options.Loss), Duplicate: state.Probability(options.Duplicate)}
	other := options.Gap > 1
	err = rtnl.Attributes(b[n:], func(kind uint16, value []byte) error {
		if more := setNetem(&q, kind, value); more {
			other = true
		}
		return nil
	})
	if other {
		q = state.Qdisc{Kind: state.OtherQdisc}
	}
	return q, err
}

// setNetem reports whether the attribute asks for more than a lab can: correlations, a model of
// losses, marks instead of them, slots. Of a table of delays the kernel says nothing.
func setNetem(q *state.Qdisc, kind uint16, value []byte) (more bool) {
	switch kind {
	case nl.TCA_NETEM_LOSS:
		return true
	case nl.TCA_NETEM_CORR, nl.TCA_NETEM_ECN, netemSlot:
		return slices.ContainsFunc(value, func(b byte) bool { return b != 0 })
	case nl.TCA_NETEM_REORDER:
		q.Reorder = state.Probability(rtnl.Uint32(value))
		return rtnl.Uint32(value[min(4, len(value)):]) != 0
	case nl.TCA_NETEM_CORRUPT:
		q.Corrupt = state.Probability(rtnl.Uint32(value))
		return rtnl.Uint32(value[min(4, len(value)):]) != 0
	case nl.TCA_NETEM_RATE:
		q.Rate = max(q.Rate, uint64(rtnl.Uint32(value)))
		return slices.ContainsFunc(value[min(4, len(value)):], func(b byte) bool { return b != 0 })
	case netemRate64:
		q.Rate = rtnl.Uint64(value)
	case netemLatency64:
		q.Delay = time.Duration(rtnl.Uint64(value))
	case netemJitter64:
		q.Jitter = time.Duration(rtnl.Uint64(value))
	}
	return false
}

func parseTBF(b []byte) (state.Qdisc, error) {
	q := state.Qdisc{Kind: state.TBF}
	other := false
	err := rtnl.Attributes(b, func(kind uint16, value []byte) error {
		switch kind {
		case nl.TCA_TBF_PARMS:
			var options tbfOptions
			if _, err := binary.Decode(value, binary.NativeEndian, &options); err != nil {
				return errors.New("truncated tbf options")
			}
			q.Rate, q.Burst, q.Limit = max(q.Rate, uint64(options.Rate.Rate)), options.Buffer, options.Limit
			other = options.PeakRate.Rate != 0
		case tbfRate64:
			q.Rate = rtnl.Uint64(value)
		}
		return nil
	})
	if other {
		q = state.Qdisc{Kind: state.OtherQdisc}
	}
	return q, err
}
