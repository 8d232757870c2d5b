// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"
)

// packet is one datagram: its number, from 0 on, or, when the sender ends, how many there were.
type packet struct {
	number uint64
	total  uint64 // 0 in all but the packets that end a stream
}

const packetSize = 16

func (p packet) encode() []byte {
	encoded := binary.BigEndian.AppendUint64(nil, p.number)
	return binary.BigEndian.AppendUint64(encoded, p.total)
}

func decode(encoded []byte) (packet, error) {
	if len(encoded) != packetSize {
		return packet{}, fmt.Errorf("a packet of %d bytes is none of ours", len(encoded))
	}
	return packet{binary.BigEndian.Uint64(encoded), binary.BigEndian.Uint64(encoded[8:])}, nil
}
