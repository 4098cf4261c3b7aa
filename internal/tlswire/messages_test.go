package tlswire

import (
	"bytes"
	"compress/zlib"
	"crypto/tls"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestClientHelloOfTLS13(t *testing.T) {
	h := &ClientHello{Version: VersionTLS12, Suites: []uint16{0x1301}, Compression: []byte{0}, Extensions: Extensions{
		{ExtKeyShare, []byte("\x00\x0c\x1a\x1a\x00\x01\x00\x00\x1d\x00\x03key")},
		{ExtPSKModes, []byte{1, PSKModeDHEKE}},
		{ExtCookie, []byte("\x00\x02co")},
		{ExtSignatureAlgorithmsCert, []byte{0, 2, 4, 1}},
		{ExtCompressCertificate, []byte{2, 0, 2}},
		{ExtDelegatedCredential, []byte{0, 2, 4, 3}},
		{ExtRecordSizeLimit, []byte{0x40, 1}},
		{ExtMaxFragmentLength, []byte{4}},
		{ExtALPS, []byte("\x00\x03\x02h2")},
		{ExtSessionTicket, []byte("ticket")},
		{ExtStatusRequest, []byte{1, 0, 0, 0, 0}}, {ExtSCT, nil}, {ExtNextProtocol, nil}, {ExtPadding, make([]byte, 7)}, {ExtEncryptedClientHello, []byte("x")},
		{ExtPreSharedKey, []byte("\x00\x09\x00\x03psk\x01\x02\x03\x04\x00\x21\x20" + strings.Repeat("b", 32))}, // the binders are last
	}}
	got, err := ParseClientHello(AppendClientHello(nil, h)[MessageHeaderLen:])
	if err != nil {
		t.Fatal(err)
	}
	want := &ClientHello{Version: VersionTLS12, Suites: []uint16{0x1301}, Compression: []byte{0}, SessionID: []byte{},
		KeyShares: []KeyShare{{0x1a1a, []byte{0}}, {29, []byte("key")}}, PSKModes: []uint8{PSKModeDHEKE}, Cookie: []byte("co"),
		CertSchemes: []uint16{0x0401}, CompressCerts: []uint16{CompressBrotli}, DelegatedSchemes: []uint16{0x0403}, RecordSizeLimit: 0x4001, MaxFragmentCode: 4,
		ALPS: []string{"h2"}, SessionTicket: true, Ticket: []byte("ticket"), StatusRequest: true, SCT: true, NextProtocol: true, Padding: 7, EncryptedHello: true,
		PSKIdentities: []PSKIdentity{{[]byte("psk"), 0x01020304}}}
	got.Extensions = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// crypto/tls as the peer: what it sends by default since Go 1.24.
func TestClientHelloOfGo(t *testing.T) {
	h, err := PeekClientHello(goHello(t, &tls.Config{ServerName: "a.test", NextProtos: []string{"h2"}}))
	if err != nil {
		t.Fatal(err)
	}
	if len(h.KeyShares) != 2 || GroupName(h.KeyShares[0].Group) != "X25519MLKEM768" || len(h.KeyShares[0].Key) != 1184+32 || len(h.KeyShares[1].Key) != 32 {
		t.Errorf("key shares %d, the first for %s", len(h.KeyShares), GroupName(h.KeyShares[0].Group))
	}
	for _, e := range h.Extensions {
		if strings.HasPrefix(ExtensionName(e.Type), "0x") {
			t.Errorf("extension %d has no name", e.Type)
		}
	}
	for _, s := range h.SignatureSchemes {
		if strings.HasPrefix(SchemeName(s), "0x") {
			t.Errorf("scheme %#x has no name", s)
		}
	}
}

// What is malformed is named, and what stands before and after it is there.
func TestReadGoesOn(t *testing.T) {
	h := &ClientHello{Version: VersionTLS12, Random: [32]byte{7}, Suites: []uint16{0x1301}, Compression: []byte{0},
		Extensions: Extensions{{ExtKeyShare, []byte("junk!")}, {ExtExtendedMasterSecret, nil}}}
	body := AppendClientHello(nil, h)[MessageHeaderLen:]
	got, err := ReadClientHello(body)
	var parse *ParseError
	if !errors.As(err, &parse) || parse.Field != "key_share extension" || !got.ExtendedMasterSecret || got.Random != h.Random {
		t.Errorf("got %+v, %v", got, err)
	}
	if h, err := ParseClientHello(body); h != nil || err == nil {
		t.Errorf("ParseClientHello: %v, %v", h, err)
	}
	for n := range body {
		if got, err := ReadClientHello(body[:n]); got == nil || err == nil && n != 41 { // there it ends before the extensions
			t.Errorf("cut to %d: %v, %v", n, got, err)
		}
	}
	sh := AppendServerHello(nil, &ServerHello{Version: VersionTLS12, Suite: 0xc02f, Extensions: Extensions{{ExtALPN, []byte("x")}, {ExtEncryptThenMAC, nil}}})
	if got, err := ReadServerHello(sh[MessageHeaderLen:]); !errors.As(err, &parse) || got.Suite != 0xc02f || !got.EncryptThenMAC {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestServerHelloOfTLS13(t *testing.T) {
	h := &ServerHello{Version: VersionTLS12, Suite: 0x1301, Extensions: Extensions{{ExtSupportedVersions, []byte{3, 4}},
		{ExtKeyShare, []byte("\x00\x1d\x00\x03key")}, {ExtPreSharedKey, []byte{0, 1}}}}
	got, err := ParseServerHello(AppendServerHello(nil, h)[MessageHeaderLen:])
	if err != nil || got.KeyShare != 29 || string(got.ServerKey) != "key" || !got.PSK || got.SelectedPSK != 1 || got.HelloRetry || got.Negotiated() != VersionTLS13 {
		t.Errorf("got %+v, %v", got, err)
	}
	copy(h.Random[:], retryRandom)
	h.Extensions = Extensions{{ExtSupportedVersions, []byte{3, 4}}, {ExtKeyShare, []byte{0, 24}}, {ExtCookie, []byte("\x00\x02co")}}
	got, err = ParseServerHello(AppendServerHello(nil, h)[MessageHeaderLen:])
	if err != nil || !got.HelloRetry || got.KeyShare != 24 || got.ServerKey != nil || string(got.Cookie) != "co" || got.DowngradeFrom() != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	for tail, want := range map[string]uint16{"DOWNGRD\x01": VersionTLS13, "DOWNGRD\x00": VersionTLS12, "DOWNGRD\x02": 0} {
		copy(h.Random[24:], tail)
		if got := h.DowngradeFrom(); got != want {
			t.Errorf("%q: %#x", tail, got)
		}
	}
}

func TestMessagesOfTLS13(t *testing.T) {
	ee, err := ParseEncryptedExtensions([]byte("\x00\x24\x00\x10\x00\x05\x00\x03\x02h2\x00\x0a\x00\x04\x00\x02\x00\x1d\x00\x2a\x00\x00\x00\x00\x00\x00\x00\x1c\x00\x02\x40\x01\x00\x01\x00\x01\x02"))
	if err != nil || ee.ALPN != "h2" || ee.Groups[0] != 29 || !ee.EarlyData || !ee.ServerNameAck || ee.RecordSizeLimit != 0x4001 || ee.MaxFragmentCode != 2 || ee.RetryECH {
		t.Errorf("encrypted extensions: %+v, %v", ee, err)
	}
	ocsp := []byte("\x00\x05\x00\x06\x01\x00\x00\x02re\x00\x12\x00\x03sct")
	entry := append([]byte("\x00\x00\x03der\x00"), byte(len(ocsp)))
	list := append(entry, ocsp...)
	m, err := ParseCertificateMessage(append([]byte{1, 'c', 0, 0, byte(len(list))}, list...), VersionTLS13)
	if err != nil || string(m.Context) != "c" || len(m.Entries) != 1 || string(m.Entries[0].DER) != "der" || string(m.Entries[0].Status()) != "re" {
		t.Errorf("certificate: %+v, %v", m, err)
	}
	r, err := ParseCertificateRequest([]byte("\x01c\x00\x12\x00\x0d\x00\x04\x00\x02\x08\x04\x00\x2f\x00\x06\x00\x04\x00\x02dn"), VersionTLS13)
	if err != nil || string(r.Context) != "c" || r.SignatureSchemes[0] != 0x0804 || string(r.Authorities[0]) != "dn" || len(r.Extensions) != 2 {
		t.Errorf("certificate request: %+v, %v", r, err)
	}
	k, err := ParseNewSessionTicket([]byte("\x00\x00\x1c\x20\x01\x02\x03\x04\x01n\x00\x03tic\x00\x08\x00\x2a\x00\x04\x00\x00\x40\x00"), VersionTLS13)
	if err != nil || k.Lifetime != 7200 || k.AgeAdd != 0x01020304 || string(k.Nonce) != "n" || string(k.Ticket) != "tic" || k.EarlyData != 16384 {
		t.Errorf("ticket: %+v, %v", k, err)
	}
	for _, tt := range []struct {
		body          string
		requested, ok bool
	}{{"\x00", false, true}, {"\x01", true, true}, {"\x02", false, false}, {"", false, false}} {
		if requested, err := ParseKeyUpdate([]byte(tt.body)); requested != tt.requested || (err == nil) != tt.ok {
			t.Errorf("key update %q: %v, %v", tt.body, requested, err)
		}
	}
}

func TestMessagesUpToTLS12(t *testing.T) {
	k, err := ParseNewSessionTicket([]byte("\x00\x00\x1c\x20\x00\x03tic"), VersionTLS12)
	if err != nil || k.Lifetime != 7200 || string(k.Ticket) != "tic" {
		t.Errorf("ticket: %+v, %v", k, err)
	}
	s, err := ParseCertificateStatus([]byte("\x02\x00\x00\x09\x00\x00\x00\x00\x00\x03abc"))
	if err != nil || s.Type != StatusOCSPMulti || s.Count != 1 || len(s.Response) != 0 {
		t.Errorf("status: %+v, %v", s, err)
	}
	if p, err := ParseNextProtocol([]byte("\x08http/1.1\x02\x00\x00")); err != nil || p != "http/1.1" {
		t.Errorf("next protocol: %q, %v", p, err)
	}
}

func TestKeyExchangesWithPSKAndSRP(t *testing.T) {
	dh := "\x00\x01\x17\x00\x01\x02\x00\x01\x08"
	for _, tt := range []struct {
		kx, body string
		want     ServerKeyExchange
	}{
		{"PSK", "\x00\x01h", ServerKeyExchange{Hint: []byte("h")}},
		{"RSA_PSK", "\x00\x01h", ServerKeyExchange{Hint: []byte("h")}},
		{"DHE_PSK", "\x00\x01h" + dh, ServerKeyExchange{Hint: []byte("h"), P: []byte{23}, G: []byte{2}, Public: []byte{8}}},
		{"PSK_DHE", "\x00\x00" + dh, ServerKeyExchange{Hint: []byte{}, P: []byte{23}, G: []byte{2}, Public: []byte{8}}},
		{"ECDHE_PSK", "\x00\x01h\x03\x00\x1d\x01p", ServerKeyExchange{Hint: []byte("h"), Group: 29, Public: []byte("p")}},
		{"SRP_SHA", "\x00\x01\x17\x00\x01\x02\x01s\x00\x01b", ServerKeyExchange{P: []byte{23}, G: []byte{2}, Salt: []byte("s"), Public: []byte("b")}},
		{"SRP_SHA_RSA", "\x00\x01\x17\x00\x01\x02\x01s\x00\x01b\x02\x01\x00\x01S", ServerKeyExchange{P: []byte{23}, G: []byte{2}, Salt: []byte("s"), Public: []byte("b"), Signed: Signature{0x0201, []byte("S")}}},
		{"DH_anon", dh, ServerKeyExchange{P: []byte{23}, G: []byte{2}, Public: []byte{8}}},
		{"RSA_EXPORT", "\x00\x01\x17\x00\x01\x03\x02\x01\x00\x01S", ServerKeyExchange{P: []byte{23}, G: []byte{3}, Signed: Signature{0x0201, []byte("S")}}},
	} {
		got, err := ParseServerKeyExchange([]byte(tt.body), tt.kx, VersionTLS12)
		if err != nil {
			t.Errorf("%s: %v", tt.kx, err)
			continue
		}
		if got.Params = nil; !reflect.DeepEqual(*got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.kx, *got, tt.want)
		}
		for n := range tt.body {
			if _, err := ParseServerKeyExchange([]byte(tt.body[:n]), tt.kx, VersionTLS12); err == nil {
				t.Errorf("%s cut to %d is accepted", tt.kx, n)
			}
		}
	}
	for kx, body := range map[string]string{"PSK": "\x00\x02id", "RSA_PSK": "\x00\x02id\x00\x01v", "DHE_PSK": "\x00\x02id\x00\x01v", "ECDHE_PSK": "\x00\x02id\x01v"} {
		k, err := ParseClientKeyExchangeMessage([]byte(body), kx, VersionTLS12)
		if err != nil || string(k.Identity) != "id" || (kx != "PSK") != (string(k.Value) == "v") {
			t.Errorf("%s: %+v, %v", kx, k, err)
		}
	}
	if k, err := ParseClientKeyExchangeMessage([]byte("no length"), "RSA", VersionSSL30); err != nil || string(k.Value) != "no length" {
		t.Errorf("SSL 3.0: %+v, %v", k, err)
	}
}

func TestCompressedCertificate(t *testing.T) {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write(bytes.Repeat([]byte{0}, 1<<20)) // a bomb
	_ = w.Close()
	bomb := &CompressedCertificate{Algorithm: CompressZlib, Length: 1000, Data: z.Bytes()}
	if b, err := bomb.Inflate(); err == nil || b != nil {
		t.Errorf("a bomb gave %d bytes", len(b))
	}
	bomb.Length = 1 << 20
	if _, err := bomb.Inflate(); err == nil {
		t.Error("a certificate of 1 MiB is inflated")
	}
	z.Reset()
	w.Reset(&z)
	_, _ = w.Write([]byte("certificates"))
	_ = w.Close()
	body := append([]byte{0, 1, 0, 0, 12, 0, 0, byte(z.Len())}, z.Bytes()...)
	m, err := ParseCompressedCertificate(body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := m.Inflate(); err != nil || string(b) != "certificates" {
		t.Errorf("got %q, %v", b, err)
	}
	m.Algorithm = CompressZstd
	if _, err := m.Inflate(); !errors.Is(err, ErrCompression) || !strings.Contains(err.Error(), "zstd") {
		t.Errorf("zstd: %v", err)
	}
}

func TestSSL2ClientHello(t *testing.T) {
	msg := append([]byte{1, 3, 1, 0, 9, 0, 2, 0, 16, 0, 0, 0x2f, 0x01, 0, 0x80, 0, 0, 0xff, 'i', 'd'}, bytes.Repeat([]byte{9}, 16)...)
	h, err := ParseSSL2ClientHello(msg)
	if err != nil {
		t.Fatal(err)
	}
	want := &ClientHello{SSL2: true, Version: VersionTLS10, Suites: []uint16{0x2f, 0xff}, SSL2Specs: []uint32{0x010080}, SessionID: []byte("id"), SecureRenegotiation: true}
	copy(want.Random[16:], bytes.Repeat([]byte{9}, 16))
	if !reflect.DeepEqual(h, want) || SSL2SpecName(0x010080) != "SSL2_RC4_128_WITH_MD5" || SSL2SpecName(0xabcdef) != "0xabcdef" {
		t.Errorf("got  %+v\nwant %+v", h, want)
	}
	for n := range msg {
		if _, err := ParseSSL2ClientHello(msg[:n]); err == nil {
			t.Errorf("cut to %d of %d it is accepted", n, len(msg))
		}
	}
}
