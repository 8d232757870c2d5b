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
// that does not answer, so its deletion has no event here.
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
// lacks NUD_PERMANENT.
func neighbourFilter() []unix.SockFilter {
	const (
		typeAt  = 4                       // nlmsg_type
		stateAt = unix.SizeofNlMsghdr + 8 // ndm_state
		load    = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
		equal   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		anyBit  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		result  = unix.BPF_RET | unix.BPF_K
	)
	return []unix.SockFilter{
		{Code: load, K: typeAt},
		{Code: equal, K: asLoaded(unix.RTM_NEWNEIGH), Jt: 1},
		{Code: equal, K: asLoaded(unix.RTM_DELNEIGH), Jf: 3},
		{Code: load, K: stateAt},
		{Code: anyBit, K: asLoaded(unix.NUD_PERMANENT), Jt: 1},
		{Code: result},
		{Code: result, K: ^uint32(0)},
	}
}

// asLoaded is a number of the host's byte order as a BPF program loads it: as one of the network's.
func asLoaded(value uint16) uint32 {
	return uint32(binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, value)))
}
