package recorded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// Frame is an Ethernet frame with IPv4 and TCP in it, as all recorded captures have.
type Frame struct {
	At     int64
	Length int // on the wire
	Data   []byte
}

// Ethernet is the length of its header, and the flags are those of TCP.
const (
	Ethernet = 14
	FIN      = 1
	SYN      = 2
	RST      = 4
	PSH      = 8
)

// TCP is where the TCP header begins.
func (f Frame) TCP() int { return Ethernet + int(f.Data[Ethernet]&15)*4 }

// Payload is where what TCP carries begins.
func (f Frame) Payload() int { return f.TCP() + int(f.Data[f.TCP()+12]>>4)*4 }

// Carried is how many bytes TCP carries.
func (f Frame) Carried() int { return len(f.Data) - f.Payload() }

// Flags are those of TCP.
func (f Frame) Flags() byte { return f.Data[f.TCP()+13] }

// Seq is the sequence number.
func (f Frame) Seq() uint32 { return binary.BigEndian.Uint32(f.Data[f.TCP()+4:]) }

// Source is the port that sent it.
func (f Frame) Source() uint16 { return binary.BigEndian.Uint16(f.Data[f.TCP():]) }

// Target is the port that it is for.
func (f Frame) Target() uint16 { return binary.BigEndian.Uint16(f.Data[f.TCP()+2:]) }

// Clone is a copy that shares nothing with f.
func (f Frame) Clone() Frame { f.Data = bytes.Clone(f.Data); return f }

// Frames reads the frames of a capture, and the key log that is inside.
func Frames(t testing.TB, path string) (frames []Frame, keys []byte) {
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
		frames = append(frames, Frame{p.At, p.Length, bytes.Clone(p.Data)})
	}
}

// Written is a capture of frames, beginning with a key log where there is one.
func Written(t testing.TB, frames []Frame, keys []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := pcap.NewWriter(&out, "test")
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) > 0 {
		if err := w.Secrets(pcap.SecretsTLSKeyLog, keys); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Interface(pcap.Interface{Link: pcap.LinkEthernet}); err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := w.Packet(&pcap.Packet{At: f.At, Length: f.Length, Data: f.Data}); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}
