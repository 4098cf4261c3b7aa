package oracle_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/recorded"
)

// TestWriteDecrypted holds that tshark opens what is written with the secrets inside, without any of its own. From the RSA key alone
// come secrets of renegotiated and resumed handshakes too.
func TestWriteDecrypted(t *testing.T) {
	t.Parallel()
	sample := []string{"founding_01_normal_direct_tls10_rsa", "tls11_rsa_aes128cbcsha_modern__normal_cert", "dec_tls13_psk_resumption_0rtt",
		"dsb_tls12_ecdhe_abnormal_ignored", "dec_tls12_tiny_records_rsa"}
	for _, c := range captures.All(t) {
		with := withLog
		if c.RSA {
			with = withKey
		}
		opens := (c.KeyLog != "" || c.DSB || c.RSA) && !strings.HasPrefix(c.Name, "damaged") && rowOf(c.Name, withLog) == nil && rowOf(c.Name, withKey) == nil
		if !opens || !soak() && !slices.Contains(sample, c.Name) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			cfg := analysis.Config{Inputs: []analysis.Input{file(t, c.Path)}, Secrets: storeOf(t, &c, with), Flow: flow.Config{KeyLog: true}}
			report, err := analysis.Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "decrypted.pcapng")
			out, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := analysis.WriteDecrypted(t.Context(), cfg, report, out); err != nil {
				t.Fatal(err)
			}
			if err := out.Close(); err != nil {
				t.Fatal(err)
			}
			mine := read(t, &c, with)
			streams := tshark(t, path, 2*len(mine.flows)+8, []string{c.Port})
			var theirs []*stream
			for _, s := range streams {
				theirs = append(theirs, s)
			}
			for _, d := range differences(mine.flows, theirs) {
				t.Error(d)
			}
		})
	}
}

// TestSSL2Hello puts a ClientHello in the format of SSL 2.0 (RFC 5246 appendix E.2) in place of the one that a connection begins with.
// Its challenge is the old hello's random, so the secrets still fit.
func TestSSL2Hello(t *testing.T) {
	t.Parallel()
	c := captures.Find(t, "founding_01_normal_direct_tls10_rsa")
	frames, _ := recorded.Frames(t, c.Path)
	i := slices.IndexFunc(frames, func(f frame) bool { return f.Carried() > 0 })
	old := frames[i].Data[frames[i].Payload():]
	random := bytes.Clone(old[tlswire.RecordHeaderLen+6:][:32])
	const specs = 158 // cipher kinds of three bytes: they make it as long as the old one
	hello := []byte{1, 3, 1}
	hello = append(binary.BigEndian.AppendUint16(hello, 3*specs), 0, 0, 0, 32)
	hello = append(append(hello, bytes.Repeat([]byte{0, 0, 0x2f}, specs)...), random...)
	if len(hello)+2 != len(old) {
		t.Fatalf("%d bytes are to replace %d", len(hello)+2, len(old))
	}
	copy(old, append([]byte{0x80 | byte(len(hello)>>8), byte(len(hello))}, hello...))

	path := filepath.Join(t.TempDir(), "ssl2.pcapng")
	rc, err := written(t, frames, nil).Open()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(rc); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, with := range []string{withLog, withKey, withNothing} {
		flows, _ := lunette(t, file(t, path), storeOf(t, &c, with))
		var theirs []*stream
		for _, s := range tshark(t, path, 4, []string{c.Port}, secretsFor(t, []*reading{{Capture: &c}}, with)...) {
			theirs = append(theirs, s)
		}
		for _, d := range differences(flows, theirs) {
			t.Errorf("with %s: %s", with, d)
		}
		d, ok := flows[0].Facts[slices.IndexFunc(flows[0].Facts, func(f fact.Fact) bool { return f.Kind == fact.TLSClientHello })].Detail.(*fact.ClientHello)
		if !ok || d.Random != hex.EncodeToString(random) {
			t.Errorf("with %s: %+v", with, d)
		}
	}
}
