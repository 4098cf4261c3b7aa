package certainty

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// frame is an Ethernet frame with IPv4 and TCP in it, as all recorded captures have.
type frame struct {
	at     int64
	length int // on the wire
	data   []byte
}

const ethernet = 14

func (f frame) tcp() int       { return ethernet + int(f.data[ethernet]&15)*4 } // where the TCP header begins
func (f frame) payload() int   { return f.tcp() + int(f.data[f.tcp()+12]>>4)*4 }
func (f frame) flags() byte    { return f.data[f.tcp()+13] }
func (f frame) seq() uint32    { return binary.BigEndian.Uint32(f.data[f.tcp()+4:]) }
func (f frame) source() uint16 { return binary.BigEndian.Uint16(f.data[f.tcp():]) }
func (f frame) target() uint16 { return binary.BigEndian.Uint16(f.data[f.tcp()+2:]) }
func (f frame) clone() frame   { f.data = bytes.Clone(f.data); return f }

const (
	flagFIN = 1
	flagSYN = 2
)

// framesOf reads the frames of a capture, and the key log that is inside.
func framesOf(t testing.TB, path string) (frames []frame, keys []byte) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcap.NewReader(f, pcap.Config{Secrets: func(_ pcap.SecretsType, b []byte) { keys = append(keys, b...) }})
	if err != nil {
		t.Fatal(err)
	}
	for {
		var p pcap.Packet
		if err := r.Next(&p); errors.Is(err, io.EOF) {
			return frames, keys
		} else if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame{p.At, p.Length, bytes.Clone(p.Data)})
	}
}

// written is a capture of frames.
func written(t testing.TB, frames []frame) analysis.Input {
	t.Helper()
	var out bytes.Buffer
	w, err := pcap.NewWriter(&out, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Interface(pcap.Interface{Link: pcap.LinkEthernet}); err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := w.Packet(&pcap.Packet{At: f.at, Length: f.length, Data: f.data}); err != nil {
			t.Fatal(err)
		}
	}
	return analysis.Input{Name: "edited", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil }}
}

// bystander is a SYN of a connection that has nothing to do with any other: it shows that the capture went on until then.
func bystander(at int64) frame {
	b := make([]byte, ethernet+40)
	b[12], b[ethernet], b[ethernet+3], b[ethernet+8], b[ethernet+9] = 8, 0x45, 40, 64, 6
	copy(b[ethernet+12:], []byte{203, 0, 113, 1, 203, 0, 113, 2})
	tcp := b[ethernet+20:]
	binary.BigEndian.PutUint16(tcp, 1)
	binary.BigEndian.PutUint16(tcp[2:], 2)
	tcp[12], tcp[13] = 0x50, flagSYN
	return frame{at: at, length: len(b), data: b}
}
