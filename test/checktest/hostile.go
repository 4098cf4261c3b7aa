package checktest

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Hostile runs checks on cases that no connection ever gave: facts of any kind in any order, with details, without or with empty ones.
// They must not panic, must say the same again, and a finding must have its words: a summary, a proof, and what would settle it.
func Hostile(t *testing.T, checks []check.Check, reasons ...reason.Code) {
	t.Helper()
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // chance, not secrecy
		c := &check.Case{Flow: wild(r, 1, reasons)}
		for n := range r.IntN(3) {
			c.Others = append(c.Others, wild(r, uint64(n+2), reasons))
		}
		first := check.Run(checks, c)
		for _, f := range first.Findings {
			if f.Summary == "" || len(f.Proof) == 0 || strings.Contains(f.Summary, "%!") {
				t.Fatalf("seed %d: %s has no summary or no proof: %q", seed, f.Code, f.Summary)
			}
			if (f.Settle == "") != (f.Confidence == finding.Certain) && f.Severity != finding.Info {
				t.Fatalf("seed %d: %s is %s, and what would settle it is %q", seed, f.Code, f.Confidence, f.Settle)
			}
		}
		if again := check.Run(checks, c); len(again.Findings) != len(first.Findings) {
			t.Fatalf("seed %d: %d findings, and %d of the same case", seed, len(first.Findings), len(again.Findings))
		}
	}
}

// wild is a connection of chance.
func wild(r *rand.Rand, conn uint64, reasons []reason.Code) *check.Flow {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f := check.Flow{Conn: conn, Watched: check.Packets | check.Records | check.Plain, Start: start, Name: pick(r, "", "shop.test", "192.0.2.20")}
	f.Client, f.Server = netip.MustParseAddrPort("192.0.2.10:50001"), netip.MustParseAddrPort(pick(r, "192.0.2.20:443", "192.0.2.21:443", "192.0.2.20:80"))
	if len(reasons) > 0 && r.IntN(3) == 0 {
		f.Reason = reasons[r.IntN(len(reasons))]
	}
	at := start
	for range r.IntN(14) {
		at = at.Add(time.Duration(r.Int64N(int64(3 * time.Second))))
		x := fact.Fact{Kind: kindOf(r), At: at, Conn: conn, Side: fact.Side(r.IntN(3)), Size: []int64{0, 1, 2, 300, 1600}[r.IntN(5)],
			Code: []int{0, 1, 40, 42, 43, 45, 46, 48, 70, 71, 80, 100, 112, 116, 120, 400, 403, 421, 502, 0x0301, 0x0303, 0x0304}[r.IntN(22)],
			Text: pick(r, "", "ok", "cert.expired", "cert.unknown_ca", "cert.name_mismatch", "timeout", "data", "\"HTTP/1.1 400\"")}
		if x.Detail = fact.NewDetail(x.Kind); x.Detail != nil && r.IntN(4) > 0 {
			_ = json.Unmarshal([]byte(detail(r, x.Kind)), x.Detail)
		} else if r.IntN(2) == 0 {
			x.Detail = nil
		}
		f.Facts = append(f.Facts, x)
	}
	return f.Prepared()
}

// kindOf is a kind, those of TLS more often than others.
func kindOf(r *rand.Rand) fact.Kind {
	for {
		k := fact.Kind(r.IntN(int(fact.OriginLogged)) + 1)
		if k >= fact.TLSClientHello && k <= fact.TLSVerified || r.IntN(3) == 0 {
			return k
		}
	}
}

// detail is a message of chance in JSON.
func detail(r *rand.Rand, k fact.Kind) string {
	switch k {
	case fact.TLSClientHello:
		return `{"version":"TLS 1.2","versions":[` + pick(r, ``, `"TLS 1.3","TLS 1.2"`, `"TLS 1.2"`, `"GREASE"`) + `],"sni":"` + pick(r, "", "shop.test", "x") +
			`","cipher_suites":[` + pick(r, ``, `"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"`, `"TLS_RSA_WITH_AES_128_CBC_SHA","TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"`) +
			`],"groups":[` + pick(r, ``, `"x25519"`, `"x25519","secp256r1","secp384r1"`) + `],"alpn":[` + pick(r, ``, `"h2"`) + `],"secure_renegotiation":` + pick(r, "true", "false") + `}`
	case fact.TLSServerHello, fact.TLSHelloRetryRequest, fact.TLSEncryptedExtensions:
		return `{"version":"` + pick(r, "", "TLS 1.0", "TLS 1.2", "TLS 1.3") + `","group":"` + pick(r, "", "x25519", "secp521r1") + `","alpn":"` + pick(r, "", "h2") + `"}`
	case fact.TLSCertificate, fact.TLSOtherMessage:
		return `{"chain":[` + pick(r, ``, `{}`, `{"subject":"CN=a","issuer":"CN=b"},{"subject":"CN=b","issuer":"CN=a"}`, `{"subject":"CN=a","issuer":"CN=a","key":"RSA x"}`,
			`{"subject":"CN=a","issuer":"CN=b","names":["*.test"],"key":"RSA 1024","signature":"SHA1-RSA","not_before":"2026-01-01T00:00:00Z","not_after":"2026-02-01T00:00:00Z","sha256":"aa"}`) + `]}`
	case fact.TLSServerKeyExchange, fact.TLSClientKeyExchange:
		return `{"kind":"DHE_RSA","bits":` + pick(r, "0", "512", "1024", "2048") + `,"group":"` + pick(r, "", "secp521r1") + `"}`
	case fact.ResponseHead, fact.RequestHead, fact.ResponseInterim:
		return `{"proto":"HTTP/1.1","status":` + pick(r, "0", "200", "400", "421", "502") + `,"fields":[{"name":"Date","value":"` + pick(r, "", "Tue, 24 Nov 2026 12:00:01 GMT") + `"}]}`
	}
	return `{}`
}

func pick(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }
