package decrypt

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// silent takes everything and keeps nothing.
type silent struct{}

func (silent) Fact(fact.Fact)                            {}
func (silent) Plain(fact.Side, fact.Stamp, []byte, bool) {}
func (silent) Missing(fact.Side, fact.Stamp, int64)      {}

// BenchmarkRecords opens application data of 16 KiB a record.
func BenchmarkRecords(b *testing.B) {
	ec, rs := certificate(b, false), certificate(b, true)
	for _, v := range []variation{
		{name: "1.3 AES-128-GCM", version: tls.VersionTLS13},
		{name: "1.2 AES-128-GCM", version: tls.VersionTLS12, suite: tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, rsa: true},
		{name: "1.2 ChaCha20", version: tls.VersionTLS12, suite: tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, rsa: true},
		{name: "1.2 AES-128-CBC", version: tls.VersionTLS12, suite: tls.TLS_RSA_WITH_AES_128_CBC_SHA, rsa: true},
	} {
		b.Run(v.name, func(b *testing.B) {
			var log strings.Builder
			client, server := v.configs(ec, rs, &log)
			conv := talk(b, client, server, []string{"hello"})
			s := New(Config{}, storeFrom(b, log.String()), silent{})
			for i := range conv[:len(conv)-2] {
				s.Record(conv[i].side, &conv[i].rec)
			}
			l := &s.lanes[1]
			seal := sealer(b, s, conv, v)
			seal.Seq = l.half.Seq
			rec, err := seal.Seal(nil, 23, make([]byte, 16384))
			if err != nil {
				b.Fatal(err)
			}
			r := conv[len(conv)-1].rec
			r.Type, r.Payload, r.Length = 23, rec[5:], len(rec)-5
			start := l.half.Seq
			b.SetBytes(16384)
			b.ReportAllocs()
			for b.Loop() {
				l.half.Seq = start
				s.Record(fact.SideServer, &r)
			}
			if s.info.Closed > 0 {
				b.Fatal(s.info.Closed, s.info.Why)
			}
		})
	}
}

// sealer makes the server's protection again.
func sealer(b testing.TB, s *Session, conv conversation, v variation) *tlscrypt.Half {
	b.Helper()
	suite, _ := tlswire.SuiteByID(s.info.Suite)
	if v.version == tls.VersionTLS13 {
		h, err := tlscrypt.NewHalf13(&suite, s.lanes[1].secret)
		if err != nil {
			b.Fatal(err)
		}
		return h
	}
	c, sr := conv[0].rec.Payload[6:38], []byte(nil)
	for _, p := range conv {
		if p.side == fact.SideServer && sr == nil {
			sr = p.rec.Payload[6:38]
		}
	}
	k := tlscrypt.DeriveKeys(&suite, v.version, s.src.Master(c), c, sr)
	_, half, err := tlscrypt.Halves(&suite, v.version, false, &k)
	if err != nil {
		b.Fatal(err)
	}
	return half
}

// BenchmarkHandshake follows a whole connection with little data in it.
func BenchmarkHandshake(b *testing.B) {
	ec, rs := certificate(b, false), certificate(b, true)
	for _, v := range []variation{{name: "1.3", version: tls.VersionTLS13}, {name: "1.2", version: tls.VersionTLS12}} {
		b.Run(v.name, func(b *testing.B) {
			var log strings.Builder
			client, server := v.configs(ec, rs, &log)
			conv := talk(b, client, server, []string{"hello"})
			st := storeFrom(b, log.String())
			var scratch Scratch
			b.ReportAllocs()
			for b.Loop() {
				one(b, conv, st, &scratch)
			}
		})
	}
}

func one(b *testing.B, conv conversation, st *secrets.Store, scratch *Scratch) {
	s := New(Config{Scratch: scratch}, st, silent{})
	for i := range conv {
		s.Record(conv[i].side, &conv[i].rec)
	}
	if s.info.Closed > 0 || s.info.Decrypted == 0 {
		b.Fatal(s.info)
	}
}
