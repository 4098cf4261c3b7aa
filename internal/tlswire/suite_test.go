package tlswire

import (
	"crypto/tls"
	"sort"
	"testing"
)

// The predicted record lengths of a HelloRequest and of an alert, as measured against OpenSSL and GnuTLS.
func TestSealedLen(t *testing.T) {
	const (
		aes1, aes256, aes384 = 0x002f, 0x003c, 0xc028
		des3, rc4sha, rc4md5 = 0x000a, 0x0005, 0x0004
		gcm, ccm, ccm8       = 0x009c, 0xc09c, 0xc0a0
		chacha, camellia     = 0xcca8, 0xc07a
	)
	for _, tt := range []struct {
		suite, version uint16
		etm            bool
		hello, alert   int
	}{
		{aes1, VersionTLS10, false, 32, 32}, {aes1, VersionTLS10, true, 36, 36},
		{aes1, VersionTLS11, false, 48, 48}, {aes1, VersionTLS12, true, 52, 52},
		{aes256, VersionTLS12, false, 64, 64}, {aes256, VersionTLS12, true, 64, 64},
		{aes384, VersionTLS12, false, 80, 80}, {aes384, VersionTLS12, true, 80, 80},
		{des3, VersionTLS10, false, 32, 24}, {des3, VersionTLS10, true, 28, 28},
		{des3, VersionTLS11, false, 40, 32}, {des3, VersionTLS12, true, 36, 36},
		{rc4sha, VersionTLS10, false, 24, 22}, {rc4md5, VersionTLS12, false, 20, 18},
		{gcm, VersionTLS12, false, 28, 26}, {ccm, VersionTLS12, false, 28, 26}, {camellia, VersionTLS12, false, 28, 26},
		{ccm8, VersionTLS12, false, 20, 18}, {chacha, VersionTLS12, false, 20, 18},
	} {
		s, ok := SuiteByID(tt.suite)
		if !ok {
			t.Fatalf("suite %#x is unknown", tt.suite)
		}
		if got := SealedLen(&s, tt.version, tt.etm, 4); got != tt.hello || !LooksLikeHelloRequest(tt.suite, tt.version, tt.etm, tt.hello) {
			t.Errorf("%s %s etm %v: hello request %d, want %d", s.Name, VersionName(tt.version), tt.etm, got, tt.hello)
		}
		if got := SealedLen(&s, tt.version, tt.etm, 2); got != tt.alert || !LooksLikeAlert(tt.suite, tt.version, tt.etm, tt.alert) {
			t.Errorf("%s %s etm %v: alert %d, want %d", s.Name, VersionName(tt.version), tt.etm, got, tt.alert)
		}
	}
	if LooksLikeHelloRequest(gcm, VersionTLS12, false, 144) || LooksLikeHelloRequest(0x1301, VersionTLS13, false, 21) || LooksLikeHelloRequest(0xeeee, VersionTLS12, false, 28) {
		t.Error("something else was taken for a HelloRequest")
	}
}

func TestSuitesAgreeWithGo(t *testing.T) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if got := SuiteName(s.ID); got != s.Name {
			t.Errorf("%#x: got %s, want %s", s.ID, got, s.Name)
		}
		if _, ok := SuiteByID(s.ID); !ok {
			t.Errorf("%s is not taken apart", s.Name)
		}
	}
}

func TestSuiteTable(t *testing.T) {
	if !sort.SliceIsSorted(suiteNames[:], func(i, j int) bool { return suiteNames[i].n < suiteNames[j].n }) {
		t.Fatal("the table is not in order, the search would miss")
	}
	known := 0
	for _, n := range suiteNames {
		s, ok := SuiteByID(n.n)
		if !ok {
			continue
		}
		known++
		if s.Cipher.Kind != KindAEAD && s.MACLen() == 0 {
			t.Errorf("%s has no MAC", n.name)
		}
		if s.TLS13() != (n.n>>8 == 0x13) {
			t.Errorf("%s: TLS 1.3 is %v", n.name, s.TLS13())
		}
	}
	if known < 220 {
		t.Errorf("only %d suites are taken apart", known)
	}
	for _, id := range []uint16{0, 0x00ff, 0x5600, 0x0003, 0x0008, 0xeeee} {
		if s, ok := SuiteByID(id); ok {
			t.Errorf("%s must not pass for a suite to protect with", s.Name)
		}
	}
}

func TestEphemeral(t *testing.T) {
	for id, want := range map[uint16]bool{0x002f: false, 0xc02f: true, 0x009e: true, 0xc031: false, 0x1301: true, 0x00a8: false} {
		s, _ := SuiteByID(id)
		if s.Ephemeral() != want {
			t.Errorf("%s: got %v", s.Name, s.Ephemeral())
		}
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		AlertName(40): "handshake_failure", AlertName(116): "certificate_required", AlertName(200): "alert_200",
		VersionName(0x0301): "TLS 1.0", VersionName(0x7f1c): "TLS 1.3 (draft 28)", VersionName(0x0505): "0x0505", SuiteName(0xeeee): "0xeeee",
		GroupName(29): "x25519", GroupName(0x102): "ffdhe4096", GroupName(0x11ec): "X25519MLKEM768", GroupName(9): "sect283k1", GroupName(0x2a2a): "GREASE",
		RecordTypeName(22): "handshake", RecordTypeName(99): "record_99",
		MessageName(0): "hello_request", MessageName(77): "message_77", ExtensionName(0xff01): "renegotiation_info", ExtensionName(9): "cert_type", ExtensionName(0x7777): "0x7777",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
