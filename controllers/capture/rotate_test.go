// SPDX-License-Identifier: Apache-2.0

package capture_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/netlab-dev/netlab/controllers/capture"
)

// closing is a file in memory.
type closing struct {
	bytes.Buffer
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// The files of a rotation have every packet once, in order, each file with the names of the interfaces, however
// the stream is cut into pieces, and wherever it breaks off.
func TestRotation(t *testing.T) {
	p := newTap()
	want := ""
	for range 200 {
		data := strings.Repeat("x", 1+rand.IntN(60))
		p.packets = append(p.packets, frame(1+rand.IntN(2), data))
		want += data + " "
	}
	var stream bytes.Buffer
	if _, err := capture.Record(t.Context(), at("router", p), capture.Options{Packets: 200}, &stream); err != nil {
		t.Fatal(err)
	}
	whole := stream.Bytes()
	for range 50 {
		end := 1 + rand.IntN(len(whole))
		size := int64(rand.IntN(3) * 1500)
		var files []*closing
		r := capture.NewRotator(size, func(int) (io.WriteCloser, error) {
			files = append(files, &closing{})
			return files[len(files)-1], nil
		})
		for left := whole[:end]; len(left) > 0; {
			n := min(len(left), 1+rand.IntN(400))
			if _, err := r.Write(left[:n]); err != nil {
				t.Fatal(err)
			}
			left = left[n:]
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if got := contents(t, files, size); !strings.HasPrefix(want, got) || size == 0 && len(files) > 1 {
			t.Fatalf("%d files of %d bytes, cut at %d of %d, have %q", len(files), size, end, len(whole), got)
		} else if end == len(whole) && got != want {
			t.Errorf("packets are missing: %q", got)
		}
	}
}

func contents(t *testing.T, files []*closing, size int64) string {
	t.Helper()
	var b strings.Builder
	for _, f := range files {
		if !f.closed || size > 0 && int64(f.Len()) > size+400 {
			t.Errorf("closed %t, %d bytes", f.closed, f.Len())
		}
		reader, err := pcapgo.NewNgReader(f, pcapgo.NgReaderOptions{WantMixedLinkType: true})
		if err != nil {
			t.Fatal(err)
		}
		for {
			data, info, err := reader.ReadPacketData()
			if err == io.EOF { //nolint:errorlint // a cut block is another error
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if i, err := reader.Interface(info.InterfaceIndex); err != nil || i.Name == "" {
				t.Fatalf("no interface %d: %v", info.InterfaceIndex, err)
			}
			b.WriteString(string(data) + " ")
		}
	}
	return b.String()
}

func TestWhatIsNoCapture(t *testing.T) {
	r := capture.NewRotator(0, func(int) (io.WriteCloser, error) { return &closing{}, nil })
	if _, err := r.Write([]byte("Segmentation fault")); err == nil || err.Error() != "the capture does not begin like pcapng" {
		t.Errorf("got %v", err)
	}
}
