package healthy

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"
)

// shape is one connection: how it is made and what goes over it.
type shape struct {
	version uint16
	suite   uint16 // up to TLS 1.2
	ecdsa   bool
	groups  []tls.CurveID
	clear   bool // no TLS
	http2   bool
	resumed bool // the connection before it left a ticket
	mtls    bool // the client shows a certificate
	asks    []ask
}

// ask is one request and how it is answered.
type ask struct {
	method   string
	size     int64 // of the request's body
	expect   bool
	answer   int64         // bytes of the answer's body
	chunked  bool          // without Content-Length
	gzip     bool          //
	status   int           //
	hints    bool          // 103 first
	think    time.Duration // before the first byte
	drip     time.Duration // between pieces of the answer
	idle     time.Duration // of the client before it asks
	location string
}

func (s *shape) String() string {
	return fmt.Sprintf("%s %s h2=%t clear=%t resumed=%t mtls=%t %+v", tls.VersionName(s.version), tls.CipherSuiteName(s.suite), s.http2, s.clear, s.resumed, s.mtls, s.asks)
}

// shapes are n connections.
func shapes(n int) []shape {
	r := rand.New(rand.NewPCG(22, 11))
	var suites []*tls.CipherSuite
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if s.SupportedVersions[0] != tls.VersionTLS13 {
			suites = append(suites, s)
		}
	}
	out := make([]shape, n)
	for i := range out {
		s := &out[i]
		switch r.IntN(10) {
		case 0:
			s.clear = true
		case 1, 2, 3:
			s.version = tls.VersionTLS13
			s.groups = [][]tls.CurveID{nil, {tls.X25519}, {tls.CurveP256}, {tls.X25519MLKEM768, tls.X25519}, {tls.CurveP384}}[r.IntN(5)]
		default:
			suite := suites[i%len(suites)]
			s.suite, s.version = suite.ID, suite.SupportedVersions[r.IntN(len(suite.SupportedVersions))]
			s.ecdsa = usesECDSA(suite.Name)
		}
		s.http2 = !s.clear && (s.version == tls.VersionTLS13 || s.suite == tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256) && r.IntN(2) == 0
		s.resumed = !s.clear && r.IntN(4) == 0
		s.mtls = !s.clear && r.IntN(8) == 0
		for range 1 + r.IntN(4) {
			s.asks = append(s.asks, anAsk(r))
		}
		if strings.Contains(tls.CipherSuiteName(s.suite), "3DES") && os.Getenv("LUNETTE_SOAK") == "" {
			s.small()
		}
	}
	return out
}

// small makes bodies as small as two records take: with the race detector each byte under 3DES costs a microsecond for each look at it, more
// than all else. The other suites have the large ones.
func (s *shape) small() {
	for i := range s.asks {
		a := &s.asks[i]
		a.answer, a.size = min(a.answer, 20_000), min(a.size, 20_000)
	}
}

func usesECDSA(name string) bool { return len(name) > 16 && name[10:15] == "ECDSA" }

func anAsk(r *rand.Rand) ask {
	a := ask{method: http.MethodGet, status: 200, answer: []int64{0, 1, 500, 20_000, 300_000}[r.IntN(5)]}
	switch r.IntN(9) {
	case 0:
		a.method, a.size = http.MethodPost, []int64{1, 1000, 60_000, 400_000}[r.IntN(4)]
		a.expect = a.size > 1000 && r.IntN(2) == 0
	case 1:
		a.method, a.answer = http.MethodHead, 100
	case 2:
		a.status, a.answer = []int{304, 204}[r.IntN(2)], 0
	case 3:
		a.status, a.location = []int{301, 302, 307}[r.IntN(3)], "/elsewhere"
	case 4:
		a.status = []int{400, 401, 403, 404, 405, 410}[r.IntN(6)]
	case 5:
		a.method = []string{http.MethodPut, http.MethodDelete, http.MethodOptions}[r.IntN(3)]
	}
	a.chunked = a.answer > 0 && r.IntN(2) == 0
	a.gzip = a.answer > 100 && a.method == http.MethodGet && r.IntN(3) == 0
	a.hints = r.IntN(12) == 0
	if r.IntN(3) == 0 {
		a.think = []time.Duration{200 * time.Millisecond, 900 * time.Millisecond, 3 * time.Second, 8 * time.Second, 25 * time.Second, 59 * time.Second, 90 * time.Second}[r.IntN(7)]
	}
	if a.answer >= 20_000 && r.IntN(4) == 0 {
		a.drip = []time.Duration{100 * time.Millisecond, 1200 * time.Millisecond, 5 * time.Second}[r.IntN(3)]
	}
	if r.IntN(4) == 0 {
		a.idle = []time.Duration{300 * time.Millisecond, 2 * time.Second, 4 * time.Second, 30 * time.Second}[r.IntN(4)]
	}
	return a
}
