package oracle_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/recorded"
)

// frame is a packet of a recorded capture.
type frame = recorded.Frame

// ports are those of source and destination.
func ports(f frame) uint32 { return binary.BigEndian.Uint32(f.Data[f.TCP():]) }

// written is a capture of frames, which get rising times, beginning with a key log.
func written(t testing.TB, frames []frame, keys []byte) analysis.Input {
	t.Helper()
	out, last := slices.Clone(frames), int64(0)
	for i := range out {
		last = max(last+1000, out[i].At)
		out[i].At, out[i].Length = last, len(out[i].Data)
	}
	b := recorded.Written(t, out, keys)
	return analysis.Input{Name: "edited", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

// part is the segment with n bytes of its payload from an offset on.
func part(f frame, from, n int) frame {
	start := f.Payload()
	data := append(bytes.Clone(f.Data[:start]), f.Data[start+from:start+from+n]...)
	binary.BigEndian.PutUint16(data[recorded.Ethernet+2:], uint16(len(data)-recorded.Ethernet))
	binary.BigEndian.PutUint32(data[f.TCP()+4:], f.Seq()+uint32(from))
	if from+n < f.Carried() {
		data[f.TCP()+13] &^= recorded.FIN | recorded.PSH
	}
	return frame{At: f.At, Data: data}
}

// cut cuts segments in pieces.
func cut(r *rand.Rand, in []frame) (out []frame) {
	for _, f := range in {
		from := 0
		for left := f.Carried(); left > 1 && r.IntN(4) > 0; left = f.Carried() - from {
			n := 1 + r.IntN(min(left-1, 700))
			out = append(out, part(f, from, n))
			from += n
		}
		if from == 0 {
			out = append(out, f)
		} else {
			out = append(out, part(f, from, f.Carried()-from))
		}
	}
	return out
}

// repeat sends some segments twice, the second time a little later, whole or in part. What opens or resets a connection is left alone.
func repeat(r *rand.Rand, in []frame) (out []frame) {
	var later []frame
	for _, f := range in {
		out = append(out, f)
		if f.Carried() > 0 && r.IntN(3) == 0 {
			from := r.IntN(f.Carried())
			later = append(later, part(f, from, f.Carried()-from))
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
	fixed := func(f frame) bool { return f.Flags()&(recorded.SYN|recorded.RST) != 0 }
	for i := range out {
		j := i
		for end := min(len(out)-1, i+r.IntN(reach)); j < end && !fixed(out[j]) && !fixed(out[j+1]); j++ {
		}
		if !fixed(out[i]) && !fixed(out[j]) {
			out[i].At, out[j].At = out[j].At, out[i].At
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
