// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

var (
	update      = flag.Bool("update", false, "write testdata/tcpdump.txt with tcpdump -ddd")
	expressions = flag.Int("expressions", 60, "number of generated expressions")
	seed        = flag.Uint64("seed", 1, "of the generated expressions")
)

const golden = "testdata/tcpdump.txt"

// written are expressions that people write. Generated ones follow them in the file.
var written = strings.Split(strings.TrimSpace(`
icmp
icmp6
arp or icmp
tcp port 80
udp dst port 53
host 10.0.0.1
host 10.0.0.1 and not tcp port 22
src host 10.0.0.1 and dst host 10.0.0.2
net 10.0.0.0/9
src net 10.1
net 10.0.0.0 mask 255.255.0.0
dst net fd00::/63
ip6 host fd00::2
arp host 10.0.0.2
portrange 50-90
tcp src portrange 0-1023
port 80 or 443
port (80 or 53)
tcp port 80 or 53 and host 10.0.0.1
icmp or icmp6 or arp
ip proto 6
ip6 proto \udp
proto 132
ether proto \arp
ether proto 0x86dd
ether host 02:00:00:00:00:01
ether src 02:00:00:00:00:02
broadcast or multicast
ip multicast
ip6 multicast
less 60
greater 60
vlan
vlan 10
vlan 10 and icmp
not vlan 10 and host 10.0.0.1
vlan 10 and vlan 20 and tcp
(vlan 10 and icmp) or udp
src or dst port 53
src and dst net 10.0.0.0/8
not (tcp or udp)
! icmp && ! arp
igmp or pim or ah or esp or vrrp
sctp port 80
`), "\n")

// A filter accepts what that of tcpdump accepts. The programs of tcpdump are in a file; where it is installed,
// go test ./controllers/capture/filter -update writes them.
func TestAFilterAcceptsWhatTcpdumpAccepts(t *testing.T) {
	if *update {
		record(t)
	}
	file, err := os.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	accepts := 0
	frames := frames(rand.New(rand.NewPCG(1, 2)), 400)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		text, theirs, _ := strings.Cut(lines.Text(), "\t")
		accepts += compare(t, text, theirs, frames)
	}
	if accepts == 0 {
		t.Error("no filter accepts a frame")
	}
}

// Where tcpdump is installed, other expressions are compared: those of -seed.
func TestAGeneratedFilterAcceptsWhatTcpdumpAccepts(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip(err)
	}
	r := rand.New(rand.NewPCG(*seed, 0))
	frames := frames(r, 200)
	for range *expressions {
		text := generate(r, 3)
		if theirs, err := tcpdump(text); err == nil {
			compare(t, text, theirs, frames)
		} else if e, ours := parse(text); ours == nil && !strings.Contains(err.Error(), "rejects all packets") {
			t.Errorf("%s: tcpdump says %v, we compile %v", text, err, e)
		}
	}
}

func record(t *testing.T) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	all := written
	for range 120 {
		all = append(all, generate(r, 3))
	}
	var b strings.Builder
	for _, text := range all {
		if program, err := tcpdump(text); err == nil {
			fmt.Fprintf(&b, "%s\t%s\n", text, program)
		}
	}
	if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// tcpdump is its program for Ethernet, in decimal numbers.
func tcpdump(text string) (string, error) {
	out, err := exec.Command("tcpdump", "-y", "EN10MB", "-ddd", text).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	_, program, _ := strings.Cut(string(out), "\n")
	return strings.Join(strings.Fields(program), " "), nil
}

// compare returns how many frames both accept.
func compare(t *testing.T, text, theirs string, frames [][]byte) (accepts int) {
	t.Helper()
	e, err := parse(text)
	if err != nil {
		t.Error(err)
		return 0
	}
	code, err := program(e, frame{})
	if err != nil {
		t.Error(err)
		return 0
	}
	ours, err := bpf.NewVM(code)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	reference := machine(t, theirs)
	for _, f := range frames {
		a, _ := ours.Run(f)
		b, _ := reference.Run(f)
		if (a > 0) != (b > 0) {
			t.Errorf("%s: we accept %t, tcpdump %t: %x", text, a > 0, b > 0, f)
			return accepts
		}
		accepts += min(a, 1)
	}
	return accepts
}

func machine(t *testing.T, program string) *bpf.VM {
	t.Helper()
	var code []bpf.Instruction
	numbers := strings.Fields(program)
	for i := 0; i+3 < len(numbers); i += 4 {
		var n [4]uint64
		for j := range n {
			n[j], _ = strconv.ParseUint(numbers[i+j], 10, 32)
		}
		code = append(code, bpf.RawInstruction{Op: uint16(n[0]), Jt: uint8(n[1]), Jf: uint8(n[2]), K: uint32(n[3])}.Disassemble())
	}
	vm, err := bpf.NewVM(code)
	if err != nil {
		t.Fatal(err)
	}
	return vm
}

// generate is an expression of at most some depth.
func generate(r *rand.Rand, depth int) string {
	of := func(words ...string) string { return words[r.IntN(len(words))] }
	if depth > 0 {
		switch r.IntN(5) {
		case 0:
			return generate(r, depth-1) + of(" and ", " or ", " && ", " || ") + generate(r, depth-1)
		case 1:
			return of("not ", "! ") + generate(r, depth-1)
		case 2:
			return "(" + generate(r, depth-1) + of(" and ", " or ") + generate(r, depth-1) + ")"
		}
	}
	direction := of("", "", "src ", "dst ", "src or dst ", "src and dst ")
	switch r.IntN(9) {
	case 0:
		return of("", "ip ", "arp ", "rarp ", "tcp ") + direction + "host " + of("10.0.0.1", "10.0.0.2", "10.1.0.1")
	case 1:
		return of("", "ip6 ") + direction + "host " + of("fd00::1", "fd00::2")
	case 2:
		return of("", "ip ") + direction + "net " + of("10", "10.0", "10.0.0.0/31", "10.0.0.2/32", "0.0.0.0/0", "10.0.0.0/30", "10.0.0.0 mask 255.0.0.0", "10.0.0.1/8")
	case 3:
		return direction + "net " + of("fd00::/16", "fd00::/127", "fd00::2/128", "::/0", "fd00::1/64")
	case 4:
		return of("", "tcp ", "udp ", "sctp ", "icmp ") + direction + of("port 80", "port 53", "portrange 50-80", "portrange 90-53", "port 80 or 53", "port 70000")
	case 5:
		return of("", "ip ", "ip6 ") + "proto " + of("6", "17", "58", "1", `\tcp`)
	case 6:
		return of("vlan", "vlan 10", "vlan 20", "vlan 5000")
	case 7:
		return of("ether proto 0x800", `ether proto \arp`, "broadcast", "multicast", "ip multicast", "ip6 multicast", "less 60", "greater 70", "ether host 02:00:00:00:00:01", "ether dst 02:00:00:00:00:02")
	}
	return of("ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "pim", "ah", "esp", "vrrp")
}

// frames are complete ones of all kinds, with few different values.
func frames(r *rand.Rand, n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = randomFrame(r)
	}
	return all
}

func randomFrame(r *rand.Rand) []byte {
	macs := [][]byte{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, {255, 255, 255, 255, 255, 255}, {1, 0, 0x5e, 0, 0, 5}}
	f := append([]byte{}, macs[r.IntN(4)]...)
	f = append(f, macs[r.IntN(2)]...)
	for range r.IntN(3) {
		f = binary.BigEndian.AppendUint16(f, []uint16{0x8100, 0x88a8, 0x9100}[r.IntN(3)])
		f = binary.BigEndian.AppendUint16(f, []uint16{10, 20, 0x600a, 30}[r.IntN(4)])
	}
	switch r.IntN(5) {
	case 0:
		f = binary.BigEndian.AppendUint16(f, []uint16{0x806, 0x8035}[r.IntN(2)])
		f = append(f, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1)
		f = append(append(append(f, ip4(r)...), 0, 0, 0, 0, 0, 0), ip4(r)...)
	case 1:
		f = append(f, 0x88, 0xcc)
	case 2:
		f = appendIP6(r, append(f, 0x86, 0xdd))
	default:
		f = appendIP4(r, append(f, 8, 0))
	}
	return append(f, make([]byte, 40)...)
}

var someProtocols = []byte{1, 2, 6, 6, 6, 9, 17, 17, 17, 50, 51, 58, 103, 112, 132, 200}

func ip4(r *rand.Rand) []byte {
	return []byte{[]byte{10, 10, 11, 224}[r.IntN(4)], byte(r.IntN(2)), 0, byte(r.IntN(4))}
}

func appendIP4(r *rand.Rand, f []byte) []byte {
	options := r.IntN(3)
	f = append(f, byte(0x45+options), 0, 0, 60, 0, 0, 0x40, byte(r.IntN(4)/3), 64, someProtocols[r.IntN(len(someProtocols))], 0, 0)
	f = append(append(f, ip4(r)...), ip4(r)...)
	return append(append(f, make([]byte, 4*options)...), ports(r)...)
}

func appendIP6(r *rand.Rand, f []byte) []byte {
	next := someProtocols[r.IntN(len(someProtocols))]
	if r.IntN(4) == 0 {
		next = 44
	}
	f = append(f, 0x60, 0, 0, 0, 0, 20, next, 64)
	for range 2 {
		f = append(f, []byte{0xfd, 0xff}[r.IntN(8)/7], 0, 0, 0, 0, 0, 0, byte(r.IntN(2)), 0, 0, 0, 0, 0, 0, 0, byte(r.IntN(3)))
	}
	if next == 44 {
		f = append(f, someProtocols[r.IntN(len(someProtocols))], 0, 0, 0, 0, 0, 0, 1)
	}
	return append(f, ports(r)...)
}

func ports(r *rand.Rand) (b []byte) {
	for range 2 {
		b = binary.BigEndian.AppendUint16(b, []uint16{53, 80, 80, 443, 60}[r.IntN(5)])
	}
	return b
}

// The parts of a program for sockets agree: a tag that the kernel has taken out of the frame is like one in it,
// and a packet without an Ethernet header is like one with it.
func TestAFilterDoesNotDependOnTheKindOfFrame(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	frames := frames(r, 300)
	for range 60 {
		text := generate(r, 2)
		behindTag, err := parse("vlan 10 and (" + text + ")")
		if err != nil {
			continue
		}
		ethernet, _ := parse(text)
		for _, f := range frames {
			isTagged := f[12] == 0x81 || f[12] == 0x88 && f[13] == 0xa8 || f[12] == 0x91
			if isTagged {
				stripped := append(append([]byte{}, f[:12]...), f[16:]...)
				same(t, text, accepts(t, behindTag, frame{}, f, 0), accepts(t, behindTag, frame{tagged: true}, stripped, binary.BigEndian.Uint16(f[14:])))
			} else if (f[12] == 8 && f[13] == 0 || f[12] == 0x86) && !regexp.MustCompile("vlan|ether|less|greater|^broadcast|cast").MatchString(text) {
				same(t, text, accepts(t, ethernet, frame{}, f, 0), accepts(t, ethernet, frame{raw: true}, f[14:], 0))
			}
		}
	}
}

func same(t *testing.T, text string, a, b bool) {
	t.Helper()
	if a != b {
		t.Fatalf("%s: %t and %t", text, a, b)
	}
}

// accepts runs a program with a tag beside the frame, which is not in this machine.
func accepts(t *testing.T, e expr, kind frame, f []byte, tag uint16) bool {
	t.Helper()
	code, err := program(e, kind)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range code {
		if c == bpf.Instruction(bpf.LoadExtension{Num: bpf.ExtVLANTag}) {
			code[i] = bpf.LoadConstant{Dst: bpf.RegA, Val: uint32(tag)}
		}
	}
	vm, err := bpf.NewVM(code)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(f)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

// What is wrong with a filter is said with the place and what to do.
func TestWhatIsWrongWithAFilter(t *testing.T) {
	for text, want := range map[string]string{
		"tcp and and udp":             `filter "tcp and and udp": unexpected "and" after "tcp and"`,
		"(tcp":                        `it ends after "( tcp"`,
		"tcp)":                        `unexpected ")" after "tcp"`,
		"tcp port":                    `it ends after "tcp port"`,
		"port":                        `it ends after "port"`,
		"10.0.0.1":                    `unexpected "10.0.0.1" at the beginning`,
		"foo bar":                     `unexpected "foo" at the beginning`,
		"tcp[13] = 2":                 `"[" after "tcp": bytes and calculations, such as tcp[13], are not supported`,
		"len > 5":                     `"len" is not supported`,
		"mpls":                        `"mpls" is not supported`,
		"port http":                   `port "http": names are not supported, and ranges need portrange; write the number`,
		"port 80-90":                  `port "80-90": names are not supported, and ranges need portrange`,
		"port 70000":                  "70000 is greater than 65535",
		"host example.com":            `host "example.com": want an IP address; names are not supported`,
		"host 10.0.0.0/8":             `prefixes need net`,
		"net 10.0.0.1/8":              "net 10.0.0.1/8 has bits outside its mask: write 10.0.0.0/8",
		"net 10.0.0.0/33":             "33 is greater than 32",
		"net 10.0.0.0 mask 255.0.1":   `"255.0.1" is no IPv4 netmask`,
		"net 10.0.0.0 mask 255.0.1.0": "netmask 255.0.1.0 has a hole",
		"tcp host 10.0.0.1":           `"tcp host" cannot be used together; write "tcp and host 10.0.0.1"`,
		"icmp port 80":                `"icmp port" cannot be used together`,
		"ip6 host 10.0.0.1":           "10.0.0.1 is no IPv6 address",
		"arp host fd00::1":            "fd00::1 is no IPv4 address",
		"ip broadcast":                `"ip broadcast" is not supported: it needs the netmask`,
		"vlan 5000":                   "5000 is greater than 4095",
		"proto 300":                   "300 is greater than 255",
		"ether host 10.0.0.1":         `"10.0.0.1" is no MAC address`,
		"ether proto 5":               `"5" is a length, no EtherType`,
		"not":                         `it ends after "not"`,
		strings.Repeat("port 80 or ", 60) + "icmp": "the filter is too long",
	} {
		if code, err := Compile(text); err == nil || !strings.Contains(err.Error(), want) || len(code) > 0 {
			t.Errorf("%.40s:\ngot  %v\nwant %s", text, err, want)
		}
	}
	if code, err := Compile("  "); len(code) > 0 || err != nil {
		t.Errorf("an empty filter: %v, %v", code, err)
	}
}

// A filter that a person types may be anything.
func FuzzCompile(f *testing.F) {
	for _, text := range written {
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = Compile(text)
	})
}
