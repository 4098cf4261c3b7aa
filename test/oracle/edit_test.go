package oracle_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/test/captures"
)

// frame is an Ethernet frame with IPv4 and TCP in it, as all recorded captures have.
type frame struct {
	at   int64
	data []byte
}

const ethernet = 14

func (f frame) tcp() int      { return ethernet + int(f.data[ethernet]&15)*4 } // where the TCP header begins
func (f frame) payload() int  { return f.tcp() + int(f.data[f.tcp()+12]>>4)*4 }
func (f frame) length() int   { return len(f.data) - f.payload() }
func (f frame) flags() byte   { return f.data[f.tcp()+13] }
func (f frame) seq() uint32   { return binary.BigEndian.Uint32(f.data[f.tcp()+4:]) }
func (f frame) ports() uint32 { return binary.BigEndian.Uint32(f.data[f.tcp():]) } // of source and destination

const (
	flagFIN = 1
	flagSYN = 2
	flagRST = 4
	flagPSH = 8
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
		frames = append(frames, frame{p.At, bytes.Clone(p.Data)})
	}
}

// written is a capture of frames, which get rising times, beginning with a key log.
func written(t testing.TB, frames []frame, keys []byte) analysis.Input {
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
	last := int64(0)
	for _, f := range frames {
		last = max(last+1000, f.at)
		if err := w.Packet(&pcap.Packet{At: last, Length: len(f.data), Data: f.data}); err != nil {
			t.Fatal(err)
		}
	}
	return analysis.Input{Name: "edited", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil }}
}

// part is the segment with n bytes of its payload from an offset on.
func (f frame) part(from, n int) frame {
	start := f.payload()
	data := append(bytes.Clone(f.data[:start]), f.data[start+from:start+from+n]...)
	binary.BigEndian.PutUint16(data[ethernet+2:], uint16(len(data)-ethernet))
	binary.BigEndian.PutUint32(data[f.tcp()+4:], f.seq()+uint32(from))
	if from+n < f.length() {
		data[f.tcp()+13] &^= flagFIN | flagPSH
	}
	return frame{f.at, data}
}

// cut cuts segments in pieces.
func cut(r *rand.Rand, in []frame) (out []frame) {
	for _, f := range in {
		from := 0
		for left := f.length(); left > 1 && r.IntN(4) > 0; left = f.length() - from {
			n := 1 + r.IntN(min(left-1, 700))
			out = append(out, f.part(from, n))
			from += n
		}
		if from == 0 {
			out = append(out, f)
		} else {
			out = append(out, f.part(from, f.length()-from))
		}
	}
	return out
}

// repeat sends some segments twice, the second time a little later, whole or in part. What opens or resets a connection is left alone.
func repeat(r *rand.Rand, in []frame) (out []frame) {
	var later []frame
	for _, f := range in {
		out = append(out, f)
		if f.length() > 0 && r.IntN(3) == 0 {
			from := r.IntN(f.length())
			later = append(later, f.part(from, f.length()-from))
		}
		if len(later) > r.IntN(4) {
			out, later = append(out, later[0]), later[1:]
		}
	}
	return append(out, later...)
}

// shuffle moves packets by a few places, across both directions, but none over one that opens or resets a connection.
func shuffle(r *rand.Rand, in []frame) []frame {
	const reach = 5
	out := slices.Clone(in)
	fixed := func(f frame) bool { return f.flags()&(flagSYN|flagRST) != 0 }
	for i := range out {
		j := i
		for end := min(len(out)-1, i+r.IntN(reach)); j < end && !fixed(out[j]) && !fixed(out[j+1]); j++ {
		}
		if !fixed(out[i]) && !fixed(out[j]) {
			out[i].at, out[j].at = out[j].at, out[i].at
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}

// editable are the captures that edits are tried on: a sample, and in the soak all that open whole.
func editable(t testing.TB) []captures.Capture {
	t.Helper()
	sample := []string{"founding_01_normal_direct_tls10_rsa", "dec_tls13_keyupdate", "dec_tls13_psk_resumption_0rtt", "dec_gnutls_rc4sha_rsa_tls12",
		"tls12_ecdhe_chacha20_modern__normal_cert", "tls11_rsa_aes128cbcsha_modern__normal", "client_h2_curl", "dec_tls12_tiny_records_rsa"}
	var out []captures.Capture
	for _, c := range captures.All(t) {
		whole := (c.KeyLog != "" || c.RSA || c.DSB) && c.Name != "damaged_gcm_midstream"
		if whole && (soak() || slices.Contains(sample, c.Name)) {
			out = append(out, c)
		}
	}
	if len(out) < len(sample) {
		t.Fatalf("%d captures, not %d", len(out), len(sample))
	}
	return out
}
