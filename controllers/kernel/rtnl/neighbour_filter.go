// SPDX-License-Identifier: Apache-2.0

package rtnl

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// onlyPermanentNeighbours keeps the events of other neighbours from a socket. The kernel reports each change of a
// neighbour's state: several in the minute for each pair of nodes that talk, which would wake the reader for
// nothing and could fill its buffer. A permanent entry that is deleted becomes a failed one first, like any
// that does not answer, so its deletion has an event here only if it has a protocol. No entry that the kernel learned
// has one.
func onlyPermanentNeighbours(fd int) error {
	program := neighbourFilter()
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{
		Len: uint16(len(program)), Filter: unsafe.SliceData(program),
	})
	if err != nil {
		return fmt.Errorf("filter the events of neighbours: %w", err)
	}
	return nil
}

// neighbourFilter is a classic BPF program: it takes a message unless it is about a neighbour whose ndm_state
// lacks NUD_PERMANENT and that has no NDA_PROTOCOL.
func neighbourFilter() []unix.SockFilter {
	const (
		typeAt  = 4                       // nlmsg_type
		stateAt = unix.SizeofNlMsghdr + 8 // ndm_state
		attrsAt = unix.SizeofNlMsghdr + unix.SizeofNdMsg
		// An ancillary load finds the attribute with the type in X, from the offset in A on.
		attribute = 0xfffff000 + 12 // SKF_AD_OFF + SKF_AD_NLATTR
		protocol  = 12              // NDA_PROTOCOL
		load      = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
		equal     = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		anyBit    = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		result    = unix.BPF_RET | unix.BPF_K
	)
	return []unix.SockFilter{
		{Code: load, K: typeAt},
		{Code: equal, K: asLoaded(unix.RTM_NEWNEIGH), Jt: 1},
		{Code: equal, K: asLoaded(unix.RTM_DELNEIGH), Jf: 7},
		{Code: load, K: stateAt},
		{Code: anyBit, K: asLoaded(unix.NUD_PERMANENT), Jt: 5},
		{Code: unix.BPF_LD | unix.BPF_IMM, K: attrsAt},
		{Code: unix.BPF_LDX | unix.BPF_IMM, K: protocol},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: attribute},
		{Code: equal, K: 0, Jf: 1},
		{Code: result},
		{Code: result, K: ^uint32(0)},
	}
}

// asLoaded is a number of the host's byte order as a BPF program loads it: as one of the network's.
func asLoaded(value uint16) uint32 {
	return uint32(binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, value)))
}
