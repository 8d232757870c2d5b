// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/rogpeppe/go-internal/testscript"
)

// packets prints what a pcapng file holds to standard output: a line per packet, then one per
// interface. A file that is cut short, or has no statistics, fails.
func packets(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: packets FILE")
	}
	file, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer file.Close()
	reader, err := pcapgo.NewNgReader(file, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	ts.Check(err)
	for {
		data, info, err := reader.ReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
		printPacket(ts.Stdout(), reader, info, data)
	}
	for id := range reader.NInterfaces() {
		i, err := reader.Interface(id)
		ts.Check(err)
		if i.Statistics.PacketsReceived == pcapgo.NgNoValue64 {
			ts.Fatalf("%s has no statistics", i.Name)
		}
		fmt.Fprintf(ts.Stdout(), "%s: %d received, %d dropped\n", i.Name, i.Statistics.PacketsReceived, i.Statistics.PacketsDropped)
	}
}

func printPacket(w io.Writer, reader *pcapgo.NgReader, info gopacket.CaptureInfo, data []byte) {
	i, _ := reader.Interface(info.InterfaceIndex)
	packet := gopacket.NewPacket(data, i.LinkType, gopacket.Default)
	fmt.Fprintf(w, "%s %s", i.Name, i.LinkType)
	if ip := packet.NetworkLayer(); ip != nil {
		fmt.Fprintf(w, " %s > %s", ip.NetworkFlow().Src(), ip.NetworkFlow().Dst())
	}
	if icmp, ok := packet.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4); ok {
		fmt.Fprintf(w, " ICMPv4 %s", icmp.TypeCode)
	}
	fmt.Fprintln(w)
}
