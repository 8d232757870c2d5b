// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/pcapgo"
)

// copies are the places and times of each datagram, by its number.
type copies map[uint32][]at

type at struct {
	place string
	time  time.Time
}

// read adds the datagrams of a file. It calls place with the name of the interface, which only pcapng has.
func (c copies) read(file string, pcapng bool, place func(name string) string) error {
	return reader(file, func(r io.Reader) error {
		next, name, err := open(r, pcapng)
		if err != nil {
			return err
		}
		for {
			data, info, err := next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if i := bytes.Index(data, []byte(mark)); i >= 0 {
				n := binary.BigEndian.Uint32(data[i+len(mark):])
				c[n] = append(c[n], at{place(name(info)), info.Timestamp})
			}
		}
	})
}

func open(r io.Reader, pcapng bool) (next func() ([]byte, gopacket.CaptureInfo, error), name func(gopacket.CaptureInfo) string, err error) {
	if !pcapng {
		reader, err := pcapgo.NewReader(r)
		return reader.ReadPacketData, func(gopacket.CaptureInfo) string { return "" }, err
	}
	reader, err := pcapgo.NewNgReader(r, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	return reader.ReadPacketData, func(info gopacket.CaptureInfo) string {
		i, _ := reader.Interface(info.InterfaceIndex)
		return i.Name
	}, err
}

// count returns all copies, and the datagrams whose copies are in the order of the hops.
func (c copies) count() (all, inOrder int) {
	var want []string
	for _, e := range path {
		want = append(want, e.node+":"+e.link)
	}
	for _, of := range c {
		all += len(of)
		slices.SortStableFunc(of, func(a, b at) int { return cmp.Compare(a.time.UnixNano(), b.time.UnixNano()) })
		var places []string
		for _, one := range of {
			places = append(places, one.place)
		}
		if slices.Equal(places, want) {
			inOrder++
		}
	}
	return all, inOrder
}
