// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// BenchmarkBuild applies the tutorial's lab to an empty machine; BenchmarkFloor below makes the
// same writes without this package. Both leave the teardown out.
func BenchmarkBuild(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	plan := topology.Diff(topology.NewState(), want)
	remove := topology.Diff(want, topology.NewState())
	for b.Loop() {
		if _, err := k.Apply(b.Context(), plan); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		tearDown(b, k, remove)
		b.StartTimer()
	}
}

func tearDown(b *testing.B, k *Kernel, remove []topology.Op) {
	b.Helper()
	if _, err := k.Apply(b.Context(), remove); err != nil {
		b.Fatal(err)
	}
	if _, err := k.Reap(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkConverge is the whole path: observe, compare, apply, and observe once more.
func BenchmarkConverge(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	remove := topology.Diff(want, topology.NewState())
	for b.Loop() {
		converge(b, k, want)
		b.StopTimer()
		tearDown(b, k, remove)
		b.StartTimer()
	}
}

func BenchmarkObserve(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	converge(b, k, want)
	for b.Loop() {
		if plan := topology.Diff(observe(b, k, want).State, want); len(plan) > 0 {
			b.Fatal(texts(plan))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(want.Namespaces)), "µs/namespace")
}

func BenchmarkTearDown(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	build := topology.Diff(topology.NewState(), want)
	remove := topology.Diff(want, topology.NewState())
	for b.Loop() {
		b.StopTimer()
		if _, err := k.Apply(b.Context(), build); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		tearDown(b, k, remove)
	}
}

// BenchmarkFloor makes the kernel writes of the tutorial's plan one after the other, from one
// thread, with messages made beforehand: what no implementation can be faster than.
func BenchmarkFloor(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	plan := topology.Diff(topology.NewState(), want)
	remove := topology.Diff(want, topology.NewState())
	for b.Loop() {
		f := &floor{sockets: map[string]int{}, files: map[string]int{}, buf: make([]byte, 8192)}
		err := k.onThread(func(t *thread) error {
			for _, op := range plan {
				if err := f.write(op); err != nil {
					return fmt.Errorf("%s: %w", op, err)
				}
			}
			f.close()
			return unix.Setns(int(t.home), unix.CLONE_NEWNET)
		})
		b.StopTimer()
		if err != nil {
			b.Fatal(err)
		}
		tearDown(b, k, remove)
		b.StartTimer()
	}
}

// floor does operations with nothing but system calls.
type floor struct {
	sockets, files map[string]int
	at             string
	buf            []byte
}

func (f *floor) close() {
	for _, fd := range f.sockets {
		unix.Close(fd) //nolint:errcheck // opened for reading
	}
	for _, fd := range f.files {
		unix.Close(fd) //nolint:errcheck // opened for reading
	}
}

func (f *floor) write(op topology.Op) error {
	switch op := op.(type) {
	case topology.CreateNamespace:
		return f.create(op)
	case topology.AddSymlink:
		return unix.Symlink(NamespaceDir+"/"+op.Name, SymlinkDir+"/"+op.Name)
	case topology.SetSysctl:
		if f.at != op.Namespace {
			f.at = op.Namespace
			if err := unix.Setns(f.files[op.Namespace], unix.CLONE_NEWNET); err != nil {
				return err
			}
		}
		return writeFile("/proc/sys/"+strings.ReplaceAll(op.Name, ".", "/"), op.Value)
	case topology.AddLink:
		peer := nl.NewRtAttr(vethInfoPeer, nl.NewIfInfomsg(unix.AF_UNSPEC).Serialize())
		for _, a := range append(endAttributes(op.Ends[1]), uint32Attribute(unix.IFLA_NET_NS_FD, uint32(f.files[op.Ends[1].Namespace]))) {
			peer.AddChild(a)
		}
		info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
		info.AddRtAttr(unix.IFLA_INFO_KIND, []byte("veth"))
		info.AddRtAttr(unix.IFLA_INFO_DATA, nil).AddChild(peer)
		data := []nl.NetlinkRequestData{nl.NewIfInfomsg(unix.AF_UNSPEC), info}
		for _, a := range endAttributes(op.Ends[0]) {
			data = append(data, a)
		}
		return f.send(op.Ends[0].Namespace, unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, data...)
	case topology.SetAdmin:
		header := nl.NewIfInfomsg(unix.AF_UNSPEC)
		header.Change, header.Flags = unix.IFF_UP, unix.IFF_UP
		return f.send(op.Namespace, unix.RTM_NEWLINK, 0, header, nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(op.Name)))
	case topology.AddAddress:
		return f.send(op.Namespace, unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, addressRequest(f.index(op.Namespace, op.Link), op.Prefix, op.Prefix.Addr())...)
	case topology.ReplaceRoute:
		header := routeHeader(op.RouteID)
		header.Type, header.Protocol = unix.RTN_UNICAST, op.Protocol
		data := append([]nl.NetlinkRequestData{header}, destinationAttributes(op.RouteID)...)
		return f.send(op.Namespace, unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, append(data, gateway(op.Prefix.Addr(), op.Hops[0].Via)...)...)
	}
	return fmt.Errorf("%T", op)
}

func (f *floor) index(namespace, name string) int {
	request, _ := unix.NewIfreq(name)
	_ = unix.IoctlIfreq(f.sockets[namespace], unix.SIOCGIFINDEX, request)
	return int(request.Uint32())
}

func (f *floor) create(op topology.CreateNamespace) error {
	path := NamespaceDir + "/" + op.Name
	if err := os.WriteFile(path, []byte(op.Mark+"\n"), 0o644); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	f.at = op.Name
	fd, err := unix.Open(ownNamespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	f.files[op.Name], f.sockets[op.Name] = fd, socket
	header := nl.NewIfInfomsg(unix.AF_UNSPEC)
	header.Index = loopbackIndex
	if err := f.send(op.Name, unix.RTM_NEWLINK, 0, header, nl.NewRtAttr(unix.IFLA_IFALIAS, []byte(op.Mark))); err != nil {
		return err
	}
	err = topology.BirthSysctls(func(name, value string) error {
		return writeFile("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), value)
	})
	if err != nil {
		return err
	}
	return unix.Mount(ownNamespace, path, "", unix.MS_BIND, "")
}

func writeFile(path, value string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(value))
	return err
}

func (f *floor) send(namespace string, kind, flags int, data ...nl.NetlinkRequestData) error {
	request := &nl.NetlinkRequest{
		NlMsghdr: unix.NlMsghdr{Type: uint16(kind), Flags: uint16(unix.NLM_F_REQUEST | unix.NLM_F_ACK | flags)}, Data: data,
	}
	socket := f.sockets[namespace]
	if err := unix.Sendto(socket, request.Serialize(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	if _, _, err := unix.Recvfrom(socket, f.buf, 0); err != nil {
		return err
	}
	if errno := int32(number(f.buf[unix.SizeofNlMsghdr:])); errno != 0 {
		return unix.Errno(-errno)
	}
	return nil
}
