// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
)

// The addresses of every cluster: they mean something in its own network namespaces only.
var (
	nodeNetwork    = netip.MustParsePrefix("172.30.0.0/24")
	controlPlaneIP = netip.MustParseAddr("172.30.0.1")
	serviceNetwork = netip.MustParsePrefix("10.96.0.0/16")
	serviceIP      = netip.MustParseAddr("10.96.0.1") // of the Service "kubernetes": the network's first
)

// apiserverPort is the port of the Service "kubernetes", too.
const apiserverPort = 443

// firstNode is the last byte of node 0's address; mostNodes is what the two networks have room for.
const (
	firstNode = 10
	mostNodes = 200
)

// nodeAddress is that of a node's eth0.
func nodeAddress(number int) netip.Addr {
	return netip.AddrFrom4([4]byte{172, 30, 0, byte(firstNode + number)})
}

// podNetwork is what a node's pods get their addresses from.
func podNetwork(number int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, byte(number), 0}), 24)
}

// laySwitch makes the network that nodes are plugged into, and the control plane's place on it.
func laySwitch() error {
	if err := forward(); err != nil {
		return err
	}
	return ip(
		"link add nodes type bridge",
		fmt.Sprintf("address add %s/%d dev nodes", controlPlaneIP, nodeNetwork.Bits()),
		fmt.Sprintf("address add %s/32 dev lo", serviceIP),
		"link set nodes up",
	)
}

// plugIn connects the machine that has process pid to the switch. Its hardware address stays the
// same when it boots again, so that no neighbour keeps looking for it under an old one.
func plugIn(number, pid int) error {
	port := portOf(number)
	if err := unplug(number); err != nil {
		return err
	}
	return ip(
		fmt.Sprintf("link add %s type veth peer name eth0 address 02:00:00:00:00:%02x netns %d", port, number, pid),
		fmt.Sprintf("link set %s master nodes up", port),
		fmt.Sprintf("route replace %s via %s", podNetwork(number), nodeAddress(number)),
	)
}

// unplug removes a machine's port. The kernel does so, too, some time after the machine has died.
func unplug(number int) error {
	port := portOf(number)
	if !exists(port) {
		return nil
	}
	if err := ip("link delete " + port); err != nil && exists(port) {
		return err
	}
	return nil
}

func exists(device string) bool {
	_, err := net.InterfaceByName(device)
	return err == nil
}

func portOf(number int) string { return fmt.Sprintf("node%d", number) }

// configureUplink gives a machine its address.
func configureUplink(number int) error {
	if err := forward(); err != nil {
		return err
	}
	return ip(
		fmt.Sprintf("address add %s/%d dev eth0", nodeAddress(number), nodeNetwork.Bits()),
		"link set eth0 up",
		fmt.Sprintf("route add default via %s", controlPlaneIP),
	)
}

// forward lets the network namespace pass packets on.
func forward() error {
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0)
}

// ip runs commands of ip(8) in the network namespace of this process.
func ip(commands ...string) error {
	batch := exec.Command("ip", "-batch", "-")
	batch.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if output, err := batch.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(commands, "; ip "), err, output)
	}
	return nil
}
