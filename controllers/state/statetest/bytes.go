// SPDX-License-Identifier: Apache-2.0

package statetest

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
)

// FromBytes returns a generator whose choices are made by data, so that a fuzzer that
// changes a byte changes one choice. When data is used up a seed made from it goes on.
func FromBytes(data []byte) *Generator {
	hash := fnv.New64a()
	_, _ = hash.Write(data)
	return &Generator{Rand: rand.New(&byteSource{data, rand.NewPCG(hash.Sum64(), 78)})}
}

type byteSource struct {
	data []byte
	rest rand.Source
}

// Uint64 implements rand.Source with two bytes a choice, in the bits that decide small ones.
func (s *byteSource) Uint64() uint64 {
	if len(s.data) < 2 {
		return s.rest.Uint64()
	}
	choice := binary.BigEndian.Uint16(s.data)
	s.data = s.data[2:]
	return uint64(choice)<<48 | uint64(choice)<<16
}
